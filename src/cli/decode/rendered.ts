import { problemOf } from '../../inspect/problem.ts';
import { type Layer, layerOf } from '../../inspect/tree.ts';

export interface Rendered {
  readonly layer: Layer;
  readonly text: string;
}

/**
 * A message as it is shown. One that this program makes a mistake with is shown as bytes that it could not show, with
 * what went wrong: the messages after it are shown all the same.
 */
export const rendered = (layer: Layer, bytes: Buffer, render: (layer: Layer) => string): Rendered => {
  try {
    return { layer, text: render(layer) };
  } catch (error) {
    const failed = layerOf('unknown', { bytes: bytes.length, problems: [problemOf(error, bytes)] });
    return { layer: failed, text: render(failed) };
  }
};
