import { sigmoid } from "./arithmetic.ts";
import { type Kernels, PANEL, packColumns, type Window } from "./kernels.ts";
import { floatsOf, type Sharing } from "./storage.ts";
import { ModelError, type Operator } from "./tflite.ts";

/** Tensors and memory, as a layer sees them while the network is built. */
export interface Layout {
  shape(tensor: number): readonly number[];
  /** Position of a computed tensor. */
  place(tensor: number): number;
  /** Numbers of a constant tensor. @throws ModelError when the tensor is computed */
  constant(tensor: number): Float32Array;
  /** Reserves memory for numbers that never change. @returns their position */
  store(numbers: Float32Array): number;
  /** Position of the layer's `scratchFloats`. */
  scratch: number;
}

/** Computes an operator's output. */
export type Step = (kernels: Kernels) => void;

/** BuiltinOperator numbers of the schema. */
const ADD = 0;
const CONCATENATION = 2;
const CONV_2D = 3;
const DEPTHWISE_CONV_2D = 4;
export const DEQUANTIZE = 6;
const FULLY_CONNECTED = 9;
const LOGISTIC = 14;
const MAX_POOL_2D = 17;
const RESHAPE = 22;
const RESIZE_BILINEAR = 23;
const PAD = 34;
const MEAN = 40;
const PRELU = 54;

/** How operators may share the memory of their input. */
export const SHARING: Sharing = { alias: new Set([RESHAPE]), inPlace: new Set([ADD, PRELU, LOGISTIC]) };

const BUILDERS: Record<number, (operator: Operator, layout: Layout) => Step> = {
  [ADD]: add,
  [CONCATENATION]: concatenate,
  [CONV_2D]: convolve,
  [DEPTHWISE_CONV_2D]: convolveChannels,
  [DEQUANTIZE]: () => () => undefined,
  [FULLY_CONNECTED]: multiply,
  [LOGISTIC]: logistic,
  [MAX_POOL_2D]: maxPool,
  [RESHAPE]: () => () => undefined,
  [RESIZE_BILINEAR]: resize,
  [PAD]: padChannels,
  [MEAN]: average,
  [PRELU]: rectify,
};

/** @throws ModelError for an operator, or a use of one, that the hand models do not have */
export function buildStep(operator: Operator, layout: Layout): Step {
  const build = BUILDERS[operator.code];
  if (build === undefined) throw new ModelError(`Operator ${operator.code} is not supported`);
  return build(operator, layout);
}

/** Floats of temporary memory that an operator needs while it runs. */
export function scratchFloats(operator: Operator, shape: (tensor: number) => readonly number[]): number {
  if (operator.code !== CONV_2D) return 0;
  const [, height = 0, width = 0, channels = 0] = shape(operator.inputs[1] as number);
  const outWidth = shape(operator.outputs[0] as number)[2] ?? 0;
  return outWidth * height * width * channels;
}

function requires(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new ModelError(`Not supported: ${expectation}`);
}

/** The range of a fused activation: none, ReLU, ReLU6. */
function clampOf(activation: number): { low: number; high: number } {
  requires([0, 1, 3].includes(activation), `activation ${activation}`);
  return { low: activation === 0 ? -Infinity : 0, high: activation === 3 ? 6 : Infinity };
}

/** Height, width and channels of a single picture. */
function pictureOf(shape: readonly number[]): readonly [number, number, number] {
  const [batch, height = 0, width = 0, channels = 0] = shape;
  requires(shape.length === 4 && batch === 1, `a picture of shape ${shape.join(" × ")}`);
  return [height, width, channels];
}

const VALID = 1;

/** The window of an operator's options: padding is field 0, strides are fields 1 and 2, in all kinds of window. */
function windowOf(
  operator: Operator,
  layout: Layout,
  [windowHeight, windowWidth]: readonly [number, number],
): Window {
  const [height, width, channels] = pictureOf(layout.shape(operator.inputs[0] as number));
  const [outHeight, outWidth] = pictureOf(layout.shape(operator.outputs[0] as number));
  const stride = operator.int(1);
  requires(stride > 0 && operator.int(2) === stride, "unequal strides");
  const along = (size: number, window: number, out: number): number => {
    const valid = operator.byte(0) === VALID;
    const expected = valid ? Math.floor((size - window) / stride) + 1 : Math.ceil(size / stride);
    requires(out === expected, `${out} windows where ${expected} fit`);
    return valid ? 0 : Math.max(0, (out - 1) * stride + window - size) >> 1;
  };
  const padTop = along(height, windowHeight, outHeight);
  const padLeft = along(width, windowWidth, outWidth);
  return {
    height,
    width,
    channels,
    outHeight,
    outWidth,
    windowHeight,
    windowWidth,
    stride,
    padTop,
    padLeft,
  };
}

/** A bias padded with zeros to full panels; all zeros when the operator has none. */
function biasOf({ inputs }: Operator, layout: Layout, columns: number): number {
  const bias = new Float32Array(Math.ceil(columns / PANEL) * PANEL);
  const tensor = inputs[2] ?? -1;
  if (tensor >= 0) {
    const numbers = layout.constant(tensor);
    requires(numbers.length === columns, "a bias of another size than the output");
    bias.set(numbers);
  }
  return layout.store(bias);
}

function multiply(operator: Operator, layout: Layout): Step {
  const [from = -1, weightsAt = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const [columns = 0, depth = 0] = layout.shape(weightsAt);
  const rows = floatsOf(layout.shape(from)) / depth;
  requires(Number.isInteger(rows) && rows * columns === floatsOf(layout.shape(out)), "shapes of a product");
  const product = {
    input: layout.place(from),
    weights: layout.store(packColumns(layout.constant(weightsAt), columns, depth)),
    bias: biasOf(operator, layout, columns),
    out: layout.place(out),
    rows,
    depth,
    columns,
    ...clampOf(operator.byte(0)),
  };
  return (kernels) => kernels.multiply(product);
}

function convolve(operator: Operator, layout: Layout): Step {
  const [from = -1, weightsAt = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const [outChannels = 0, windowHeight = 0, windowWidth = 0, depth = 0] = layout.shape(weightsAt);
  const window = windowOf(operator, layout, [windowHeight, windowWidth]);
  requires(operator.int(4, 1) === 1 && operator.int(5, 1) === 1, "dilation");
  requires(depth === window.channels && layout.shape(out)[3] === outChannels, "shapes of a convolution");
  const span = windowHeight * windowWidth * depth;
  const operands = {
    input: layout.place(from),
    weights: layout.store(packColumns(layout.constant(weightsAt), outChannels, span)),
    bias: biasOf(operator, layout, outChannels),
    out: layout.place(out),
    ...clampOf(operator.byte(3)),
  };
  if (windowHeight === 1 && windowWidth === 1 && window.stride === 1) {
    const product = { ...operands, rows: window.height * window.width, depth, columns: outChannels };
    return (kernels) => kernels.multiply(product);
  }
  const convolution = { ...window, ...operands, outChannels, scratch: layout.scratch };
  return (kernels) => kernels.convolve(convolution);
}

function convolveChannels(operator: Operator, layout: Layout): Step {
  const [from = -1, weightsAt = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const [, windowHeight = 0, windowWidth = 0, channels = 0] = layout.shape(weightsAt);
  const window = windowOf(operator, layout, [windowHeight, windowWidth]);
  requires(operator.int(5, 1) === 1 && operator.int(6, 1) === 1, "dilation");
  requires(
    channels === window.channels && layout.shape(out)[3] === channels,
    "several output channels for each input channel",
  );
  const convolution = {
    ...window,
    input: layout.place(from),
    weights: layout.store(layout.constant(weightsAt)),
    bias: biasOf(operator, layout, channels),
    out: layout.place(out),
    ...clampOf(operator.byte(4)),
  };
  return (kernels) => kernels.convolveChannels(convolution);
}

function add(operator: Operator, layout: Layout): Step {
  const [a = -1, b = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const count = floatsOf(layout.shape(out));
  requires(operator.byte(0) === 0, "an activation after an addition");
  requires(
    floatsOf(layout.shape(a)) === count && floatsOf(layout.shape(b)) === count,
    "an addition of unequal shapes",
  );
  const sum = { a: layout.place(a), b: layout.place(b), out: layout.place(out), count };
  return (kernels) => kernels.add(sum);
}

function rectify(operator: Operator, layout: Layout): Step {
  const [from = -1, slopesAt = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const [, , channels] = pictureOf(layout.shape(from));
  const slopes = layout.constant(slopesAt);
  requires(slopes.length === channels, "other than one slope for each channel");
  const rectifier = {
    input: layout.place(from),
    slopes: layout.store(slopes),
    out: layout.place(out),
    count: floatsOf(layout.shape(out)),
    channels,
  };
  return (kernels) => kernels.rectify(rectifier);
}

function maxPool(operator: Operator, layout: Layout): Step {
  const [from = -1] = operator.inputs;
  requires(operator.byte(5) === 0, "an activation after pooling");
  const pool = {
    ...windowOf(operator, layout, [operator.int(4), operator.int(3)]),
    input: layout.place(from),
    out: layout.place(operator.outputs[0] as number),
  };
  return (kernels) => kernels.maxPool(pool);
}

function resize(operator: Operator, layout: Layout): Step {
  const [from = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const [height, width, channels] = pictureOf(layout.shape(from));
  const [outHeight, outWidth] = pictureOf(layout.shape(out));
  requires(operator.byte(2) === 0 && operator.byte(3) === 1, "resizing without half-pixel centers");
  const resizing = {
    input: layout.place(from),
    out: layout.place(out),
    width,
    channels,
    outHeight,
    outWidth,
    rows: layout.store(neighbors(height, outHeight)),
    columns: layout.store(neighbors(width, outWidth)),
  };
  return (kernels) => kernels.resize(resizing);
}

/** For each output row or column: its two neighbors in the source, and the weight of the second. */
function neighbors(size: number, outSize: number): Float32Array {
  const table = new Float32Array(3 * outSize);
  for (let i = 0; i < outSize; i++) {
    const position = Math.max(0, ((i + 0.5) * size) / outSize - 0.5);
    const first = Math.min(Math.floor(position), size - 1);
    table.set([first, Math.min(first + 1, size - 1), position - first], 3 * i);
  }
  return table;
}

/** Adds channels of zeros behind those of each pixel. */
function padChannels(operator: Operator, layout: Layout): Step {
  const [from = -1, paddingsAt = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const [height, width, channels] = pictureOf(layout.shape(from));
  const [, , outChannels] = pictureOf(layout.shape(out));
  const paddings = layout.constant(paddingsAt);
  requires(
    paddings.every((padding, i) => padding === (i === 7 ? outChannels - channels : 0)),
    "padding of anything but channels",
  );
  const [source, target] = [layout.place(from), layout.place(out)];
  return ({ memory }) => {
    memory.fill(0, target, target + height * width * outChannels);
    for (let pixel = 0; pixel < height * width; pixel++) {
      const at = source + pixel * channels;
      memory.copyWithin(target + pixel * outChannels, at, at + channels);
    }
  };
}

function concatenate(operator: Operator, layout: Layout): Step {
  const out = operator.outputs[0] as number;
  const axis = operator.int(0);
  const before = layout.shape(out).slice(0, axis);
  requires(axis >= 0 && floatsOf(before) === 1 && operator.byte(1) === 0, `concatenation along axis ${axis}`);
  let to = layout.place(out);
  const parts = operator.inputs.map((tensor) => {
    const part = { from: layout.place(tensor), floats: floatsOf(layout.shape(tensor)), to };
    to += part.floats;
    return part;
  });
  requires(to === layout.place(out) + floatsOf(layout.shape(out)), "shapes of a concatenation");
  return ({ memory }) => {
    for (const part of parts) memory.copyWithin(part.to, part.from, part.from + part.floats);
  };
}

/** The mean of each channel, summed up in double precision. */
function average(operator: Operator, layout: Layout): Step {
  const [from = -1, axesAt = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const [height, width, channels] = pictureOf(layout.shape(from));
  requires(layout.constant(axesAt).join() === "1,2", "a mean of anything but all pixels");
  requires(floatsOf(layout.shape(out)) === channels, "shapes of a mean");
  const [source, target] = [layout.place(from), layout.place(out)];
  return ({ memory }) => {
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let pixel = 0; pixel < height * width; pixel++)
        sum += memory[source + pixel * channels + channel] as number;
      memory[target + channel] = sum / (height * width);
    }
  };
}

function logistic(operator: Operator, layout: Layout): Step {
  const [from = -1] = operator.inputs;
  const out = operator.outputs[0] as number;
  const count = floatsOf(layout.shape(out));
  const [source, target] = [layout.place(from), layout.place(out)];
  return ({ memory }) => {
    for (let i = 0; i < count; i++) memory[target + i] = sigmoid(memory[source + i] as number);
  };
}
