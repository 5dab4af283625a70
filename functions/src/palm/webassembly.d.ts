/** The part of the WebAssembly JavaScript interface that the engine uses: neither es2025 nor @types/node declares it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }

  class Memory {
    readonly buffer: ArrayBuffer;
    /** @param pages 64 KiB each */
    constructor(pages: { initial: number });
  }

  class Instance {
    readonly exports: Record<string, unknown>;
    constructor(module: Module, imports: Record<string, Record<string, Memory>>);
  }
}
