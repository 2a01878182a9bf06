import { KafkaError } from '@odradek/protocol/errors.ts';
import { failureLine } from './failure.ts';
import { CommandError, type Terminal } from './terminal.ts';

/**
 * Does the same for every item, also after a broker has refused one; whatever else goes wrong, such as a cluster
 * that cannot be reached, ends it at once. Refusals are told as they come, one line each.
 *
 * @throws the refusal when there is one item; CommandError with the count when some of several failed
 */
export async function forEachItem<Item>(
  items: readonly Item[],
  terminal: Terminal,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  let refusals = 0;
  for (const item of items) {
    try {
      await run(item);
    } catch (error) {
      if (items.length === 1 || !(error instanceof KafkaError)) throw error;
      terminal.stderr.write(`odradek: ${failureLine(error)}\n`);
      refusals++;
    }
  }
  if (refusals > 0) throw new CommandError(`${refusals} of ${items.length} failed`);
}
