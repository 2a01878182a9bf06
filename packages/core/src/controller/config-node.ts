import { encodeJson, JsonNode } from './json-node.ts';

/** `/config/TYPE/NAME`, version 1: the settings of one entity that differ from what lies below them. */
export function encodeConfigNode(settings: ReadonlyMap<string, string>): Buffer {
  return encodeJson({ version: 1, config: Object.fromEntries(settings) });
}

/** @throws NodeFormatError */
export function decodeConfigNode(path: string, data: Buffer | null): Map<string, string> {
  return new JsonNode(path, data).stringMap('config');
}
