import { nextCommand } from "./nextCommand.ts";

export const routes = [nextCommand];
