import type { Coordination } from '../ports/coordination.ts';
import { isOneOf } from './callback-flow.ts';
import { encodeProducerIdBlock, nextProducerIdBlock, type ProducerIdBlock } from './producer-id-block.ts';
import { treePaths } from './tree-paths.ts';

/**
 * Takes the next block of producer ids for a broker. The tree holds the block before anybody gets an id of it, and
 * no block is given twice: a write that lost the race, or whose answer was lost, is followed by another try, which
 * at worst leaves a block unused.
 */
export function allocateProducerIds(
  coordination: Coordination,
  brokerId: number,
  done: (error: Error | null, block: ProducerIdBlock | null) => void,
): void {
  coordination.read(treePaths.producerIdBlock, null, (error, contents) => {
    if (error !== null) return done(error, null);
    let block: ProducerIdBlock;
    try {
      block = nextProducerIdBlock(contents, brokerId);
    } catch (failure) {
      return done(failure as Error, null);
    }
    const data = encodeProducerIdBlock(block);
    const { version } = contents.stat;
    coordination.write([{ type: 'set', path: treePaths.producerIdBlock, data, version }], (failure) => {
      if (failure === null) return done(null, block);
      if (isOneOf(failure, 'BADVERSION', 'CONNECTIONLOSS'))
        return allocateProducerIds(coordination, brokerId, done);
      done(failure, null);
    });
  });
}
