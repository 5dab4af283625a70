import { claimRegistration } from "./claimRegistration.ts";
import { nextCommand } from "./nextCommand.ts";
import { startRegistration } from "./startRegistration.ts";

export const routes = [startRegistration, claimRegistration, nextCommand];
