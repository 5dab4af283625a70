import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { openStorage } from "../../../functions/src/data/storage.ts";
import { createTemplates } from "../../../functions/src/data/templates.ts";

/** CRC32C of the bytes 1, 2, 3, with which the client compares. */
const crc32c = "8TDyHg==";

describe("The Storage client", () => {
  it("sends an upload again whose connection breaks", async () => {
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      if (requests === 1) return void request.socket.destroy();
      request.resume();
      request.on("end", () =>
        response.setHeader("Content-Type", "application/json").end(JSON.stringify({ crc32c })),
      );
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const before = process.env["STORAGE_EMULATOR_HOST"];
    process.env["STORAGE_EMULATOR_HOST"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const templates = createTemplates(async () => openStorage("demo-palmgate-test"), "bucket");
      await templates.put("environments/e/templates/p/1", Uint8Array.of(1, 2, 3));
      assert.equal(requests, 2);
    } finally {
      if (before === undefined) delete process.env["STORAGE_EMULATOR_HOST"];
      else process.env["STORAGE_EMULATOR_HOST"] = before;
      server.closeAllConnections();
      server.close();
    }
  });
});
