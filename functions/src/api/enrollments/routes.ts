import { cancelEnrollment } from "./cancelEnrollment.ts";
import { getEnrollment } from "./getEnrollment.ts";
import { pollEnrollment } from "./pollEnrollment.ts";
import { startEnrollment } from "./startEnrollment.ts";

export const routes = [startEnrollment, getEnrollment, pollEnrollment, cancelEnrollment];
