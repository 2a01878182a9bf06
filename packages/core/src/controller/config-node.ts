import { encodeJson, JsonNode, NodeFormatError } from './json-node.ts';

/** `/config/TYPE/NAME`, version 1: the settings of one entity that differ from what lies below them. */
export function encodeConfigNode(settings: ReadonlyMap<string, string>): Buffer {
  return encodeJson({ version: 1, config: Object.fromEntries(settings) });
}

/** @returns the settings; none where the node is empty, as Kafka has it, or holds something else */
export function decodeConfigNode(path: string, data: Buffer | null): ReadonlyMap<string, string> {
  try {
    return new JsonNode(path, data).stringMap('config');
  } catch (error) {
    if (error instanceof NodeFormatError) return new Map();
    throw error;
  }
}
