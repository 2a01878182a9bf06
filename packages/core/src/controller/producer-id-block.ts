import type { NodeContents } from '../ports/coordination.ts';
import { encodeJson, JsonNode } from './json-node.ts';
import { treePaths } from './tree-paths.ts';

/** Ids that one broker may hand out to producers, each once. */
export interface ProducerIdBlock {
  readonly brokerId: number;
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

const BLOCK_SIZE = 1000;

/** The block after the one that the node tells of; the first one is 0 to 999. @throws NodeFormatError */
export function nextProducerIdBlock(contents: NodeContents, brokerId: number): ProducerIdBlock {
  // The node is made empty, and stays so until the first block is taken.
  const first = contents.data === null || contents.data.length === 0 ? 0 : lastOf(contents.data) + 1;
  return { brokerId, first, last: first + BLOCK_SIZE - 1 };
}

/** `/latest_producer_id_block`, version 1. */
export function encodeProducerIdBlock(block: ProducerIdBlock): Buffer {
  return encodeJson({
    version: 1,
    broker: block.brokerId,
    block_start: String(block.first),
    block_end: String(block.last),
  });
}

function lastOf(data: Buffer): number {
  return Number(new JsonNode(treePaths.producerIdBlock, data).string('block_end'));
}
