import type { CreateKernels, Kernels } from "./kernels.ts";
import { buildStep, DEQUANTIZE, type Layout, SHARING, type Step, scratchFloats } from "./layers.ts";
import { planMemory } from "./memoryPlan.ts";
import { floatsOf, tensorBlocks } from "./storage.ts";
import { ModelError, readModel, type Tensor } from "./tflite.ts";

/** 64 MiB, eight times what the hand models need. */
const MAX_FLOATS = 16 * 1024 * 1024;

/** A model ready to run: its weights and one plan of memory for all intermediate results. */
export interface Network {
  /** Numbers that `run` takes, and numbers of each output. */
  readonly inputFloats: number;
  readonly outputFloats: readonly number[];
  /** Bytes of weights and intermediate results. */
  readonly memoryBytes: number;
  /** @returns a copy of each output, in the model's order */
  run(input: Float32Array): Float32Array[];
}

/** Numbers of a model's input, and of the outputs that are used. */
export interface ModelSizes {
  input: number;
  outputs: readonly number[];
}

/**
 * Reads a TensorFlow Lite model with the 13 kinds of operator that MediaPipe's hand models use.
 * @param bytes the .tflite file
 * @throws ModelError for damaged files, and for operators or options that are not supported
 */
export function openNetwork(bytes: Uint8Array, createKernels: CreateKernels): Network {
  const model = readModel(bytes);
  const { tensors, operators, inputs, outputs } = model;
  const shape = (tensor: number): readonly number[] =>
    tensors[tensor]?.shape ?? fail(`The model refers to an absent tensor ${tensor}`);

  // Half-precision weights are expanded once, here, instead of by a step of each run.
  const constants = new Map<number, Tensor>();
  tensors.forEach((tensor, i) => {
    if (tensor.data !== undefined) constants.set(i, tensor);
  });
  for (const {
    code,
    inputs: [from = -1],
    outputs: [to = -1],
  } of operators) {
    const constant = constants.get(from);
    if (code === DEQUANTIZE) constants.set(to, constant ?? fail("Only constants may have half precision"));
  }

  const { blocks, blockOf } = tensorBlocks(model, (tensor) => constants.has(tensor), SHARING);
  const scratch = operators.map((operator, step) => {
    const block = { floats: scratchFloats(operator, shape), from: step, to: step };
    return blocks.push(block) - 1;
  });
  const { places, floats } = planMemory(blocks);

  const stored: { position: number; numbers: Float32Array }[] = [];
  let end = floats;
  const layoutOf = (step: number): Layout => ({
    shape,
    place: (tensor) =>
      places[blockOf.get(tensor) ?? -1] ?? fail("An operator reads a tensor that no earlier one computes"),
    constant: (tensor) => numbersOf(constants.get(tensor) ?? fail("Weights must be constant")),
    store: (numbers) => {
      const position = end;
      stored.push({ position, numbers });
      end += Math.ceil(numbers.length / 4) * 4;
      return position;
    },
    scratch: places[scratch[step] as number] as number,
  });
  const steps = operators.map((operator, step) => buildStep(operator, layoutOf(step)));

  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) fail("A model must have one input");
  const ends = outputs.map((tensor) => ({
    position: layoutOf(0).place(tensor),
    floats: floatsOf(shape(tensor)),
  }));
  if (end > MAX_FLOATS) fail("The model needs more than 64 MiB of memory");
  const kernels = createKernels(end);
  for (const { position, numbers } of stored) kernels.memory.set(numbers, position);
  const start = { position: layoutOf(0).place(input), floats: floatsOf(shape(input)) };
  return new PlannedNetwork(kernels, steps, start, ends);
}

interface Span {
  position: number;
  floats: number;
}

class PlannedNetwork implements Network {
  readonly #kernels: Kernels;
  readonly #steps: readonly Step[];
  readonly #input: Span;
  readonly #outputs: readonly Span[];

  constructor(kernels: Kernels, steps: readonly Step[], input: Span, outputs: readonly Span[]) {
    this.#kernels = kernels;
    this.#steps = steps;
    this.#input = input;
    this.#outputs = outputs;
  }

  get inputFloats(): number {
    return this.#input.floats;
  }

  get outputFloats(): number[] {
    return this.#outputs.map(({ floats }) => floats);
  }

  get memoryBytes(): number {
    return this.#kernels.memory.byteLength;
  }

  run(input: Float32Array): Float32Array[] {
    if (input.length !== this.inputFloats)
      throw new RangeError(`The input must have ${this.inputFloats} numbers`);
    const { memory } = this.#kernels;
    memory.set(input, this.#input.position);
    for (const step of this.#steps) step(this.#kernels);
    return this.#outputs.map(({ position, floats }) => memory.slice(position, position + floats));
  }
}

function numbersOf({ type, shape, data }: Tensor): Float32Array {
  if (data === undefined) return fail("A constant has no numbers");
  const numbers = new Float32Array(floatsOf(shape));
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let i = 0; i < numbers.length; i++) {
    if (type === "float16") numbers[i] = half(view.getUint16(2 * i, true));
    else numbers[i] = type === "float32" ? view.getFloat32(4 * i, true) : view.getInt32(4 * i, true);
  }
  return numbers;
}

const SINGLE = new DataView(new ArrayBuffer(4));

/** A number of half precision (IEEE 754 binary16): sign, 5 bits of exponent, 10 bits of fraction. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fail("A weight is not finite");
  if (exponent === 0) return ((bits >> 15 === 0 ? 1 : -1) * fraction) / 16_777_216;
  SINGLE.setUint32(0, ((bits >> 15) << 31) | ((exponent - 15 + 127) << 23) | (fraction << 13));
  return SINGLE.getFloat32(0);
}

function fail(message: string): never {
  throw new ModelError(message);
}
