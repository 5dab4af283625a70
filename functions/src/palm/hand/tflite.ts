/** A tensor: its shape, how its numbers are stored, and the numbers if they are constant. */
export interface Tensor {
  shape: readonly number[];
  type: "float32" | "float16" | "int32";
  data: Uint8Array | undefined;
}

/** One operator of a model. Tensors are named by their index; an absent optional input is −1. */
export interface Operator {
  /** BuiltinOperator of the schema. */
  code: number;
  inputs: readonly number[];
  outputs: readonly number[];
  /** A field of the operator's options by its number in the schema; 0, or `missing`, if it is absent. */
  byte(field: number, missing?: number): number;
  int(field: number, missing?: number): number;
}

export interface Model {
  tensors: readonly Tensor[];
  operators: readonly Operator[];
  inputs: readonly number[];
  outputs: readonly number[];
}

/** The bytes are not a model that this code can run. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}

const TYPES: Record<number, { name: Tensor["type"]; bytes: number }> = {
  0: { name: "float32", bytes: 4 },
  1: { name: "float16", bytes: 2 },
  2: { name: "int32", bytes: 4 },
};

const IDENTIFIER = "TFL3";

/**
 * Reads a TensorFlow Lite model with one graph. Every offset is checked against the file's length, and the size of every
 * constant against its shape. Source: schema.fbs of TensorFlow Lite, version 3; FlatBuffers' binary format.
 * @param bytes the file; constants are views of it
 * @throws ModelError
 */
export function readModel(bytes: Uint8Array): Model {
  try {
    return readGraph(new FlatBuffer(bytes));
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError("The model is damaged or truncated", { cause: error });
  }
}

function readGraph(file: FlatBuffer): Model {
  if (file.identifier() !== IDENTIFIER) throw new ModelError("The bytes are not a TensorFlow Lite model");
  const root = file.root();
  const codes = file.tables(root, 1).map((code) => Math.max(file.byte(code, 0), file.int(code, 3)));
  const buffers = file.tables(root, 4).map((buffer) => file.bytes(buffer, 0));
  const [graph, ...others] = file.tables(root, 2);
  if (graph === undefined || others.length > 0) throw new ModelError("A model must have one graph");

  const tensors = file.tables(graph, 0).map((table): Tensor => {
    const type = TYPES[file.byte(table, 1)];
    if (type === undefined) throw new ModelError(`Tensor type ${file.byte(table, 1)} is not supported`);
    if (file.has(table, 6)) throw new ModelError("Sparse tensors are not supported");
    const shape = file.ints(table, 0);
    const data = at(buffers, file.int(table, 2));
    const size = shape.reduce((product, side) => product * side, type.bytes);
    if (shape.some((side) => side < 1) || size > MAX_TENSOR_BYTES)
      throw new ModelError(`A tensor of shape ${shape.join(" × ")} is not supported`);
    if (data !== undefined && data.length !== size)
      throw new ModelError("The size of a constant differs from its shape");
    return { shape, type: type.name, data };
  });

  const operators = file.tables(graph, 3).map((table): Operator => {
    const options = file.table(table, 4);
    const indices = (field: number) => {
      const found = file.ints(table, field);
      for (const index of found) if (index !== -1) at(tensors, index);
      return found;
    };
    return {
      code: at(codes, file.int(table, 0)),
      inputs: indices(1),
      outputs: indices(2),
      byte: (field, missing = 0) => (options === undefined ? missing : file.byte(options, field, missing)),
      int: (field, missing = 0) => (options === undefined ? missing : file.int(options, field, missing)),
    };
  });
  const [inputs, outputs] = [file.ints(graph, 1), file.ints(graph, 2)];
  for (const index of [...inputs, ...outputs]) at(tensors, index);
  return { tensors, operators, inputs, outputs };
}

/** Far above what the hand models need, so that a damaged shape does not reserve gigabytes. */
const MAX_TENSOR_BYTES = 64 * 1024 * 1024;

function at<T>(list: readonly T[], index: number): T {
  if (index < 0 || index >= list.length) throw new ModelError(`The model refers to an absent part ${index}`);
  return list[index] as T;
}

/** Tables, vectors and scalars of a FlatBuffer. Positions outside of the file throw RangeError. */
class FlatBuffer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  identifier(): string {
    return String.fromCharCode(...this.#bytes.subarray(4, 8));
  }

  root(): number {
    return this.#follow(0);
  }

  has(table: number, field: number): boolean {
    return this.#field(table, field) !== undefined;
  }

  byte(table: number, field: number, missing = 0): number {
    const position = this.#field(table, field);
    return position === undefined ? missing : this.#view.getInt8(position);
  }

  int(table: number, field: number, missing = 0): number {
    const position = this.#field(table, field);
    return position === undefined ? missing : this.#view.getInt32(position, true);
  }

  table(table: number, field: number): number | undefined {
    const position = this.#field(table, field);
    return position === undefined ? undefined : this.#follow(position);
  }

  tables(table: number, field: number): number[] {
    const { start, count } = this.#vector(table, field, 4);
    return Array.from({ length: count }, (_, i) => this.#follow(start + 4 * i));
  }

  ints(table: number, field: number): number[] {
    const { start, count } = this.#vector(table, field, 4);
    return Array.from({ length: count }, (_, i) => this.#view.getInt32(start + 4 * i, true));
  }

  /** Undefined when the vector is absent or empty. */
  bytes(table: number, field: number): Uint8Array | undefined {
    const { start, count } = this.#vector(table, field, 1);
    return count === 0 ? undefined : this.#bytes.subarray(start, start + count);
  }

  #vector(table: number, field: number, itemBytes: number): { start: number; count: number } {
    const position = this.#field(table, field);
    if (position === undefined) return { start: 0, count: 0 };
    const start = this.#follow(position) + 4;
    const count = this.#view.getUint32(start - 4, true);
    if (start + count * itemBytes > this.#bytes.length)
      throw new RangeError("A vector ends outside of the file");
    return { start, count };
  }

  #field(table: number, field: number): number | undefined {
    const layout = table - this.#view.getInt32(table, true);
    const entry = 4 + 2 * field;
    if (entry >= this.#view.getUint16(layout, true)) return undefined;
    const offset = this.#view.getUint16(layout + entry, true);
    return offset === 0 ? undefined : table + offset;
  }

  #follow(position: number): number {
    return position + this.#view.getUint32(position, true);
  }
}
