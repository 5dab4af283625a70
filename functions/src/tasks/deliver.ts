export { attemptDelivery as deliver } from "../domain/delivery/attemptDelivery.ts";
