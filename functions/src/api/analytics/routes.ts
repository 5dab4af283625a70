import { exportTransactions } from "./exportTransactions.ts";
import { listScans } from "./listScans.ts";
import { listTransactions } from "./listTransactions.ts";
import { scanSummary } from "./scanSummary.ts";

export const routes = [listScans, scanSummary, listTransactions, exportTransactions];
