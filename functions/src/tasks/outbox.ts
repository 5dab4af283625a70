export { dispatchEvent as dispatch } from "../domain/delivery/dispatchEvent.ts";
