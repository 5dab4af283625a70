import { getDevice } from "./getDevice.ts";
import { listDevices } from "./listDevices.ts";
import { updateDevice } from "./updateDevice.ts";

export const routes = [listDevices, getDevice, updateDevice];
