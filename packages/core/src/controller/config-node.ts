import { encodeJson } from './json-node.ts';

/** `/config/TYPE/NAME`, version 1: the settings of one entity that differ from what lies below them. */
export function encodeConfigNode(settings: ReadonlyMap<string, string>): Buffer {
  return encodeJson({ version: 1, config: Object.fromEntries(settings) });
}
