import { deleteDevice } from "./deleteDevice.ts";
import { getDevice } from "./getDevice.ts";
import { listDevices } from "./listDevices.ts";
import { registerDevice } from "./registerDevice.ts";
import { rotateDeviceKey } from "./rotateDeviceKey.ts";
import { updateDevice } from "./updateDevice.ts";

export const routes = [listDevices, registerDevice, getDevice, updateDevice, deleteDevice, rotateDeviceKey];
