import { StreamsBuilder, integers, strings, tumbling, type Topology } from '@odradek/streams/index.ts';

export const INPUT = 'numbers';
export const OTHERS = 'others';
export const COUNTS = 'counts';
export const PAIRS = 'pairs';
export const PER_WINDOW = 'per-window';
export const PARTITIONS = 3;
export const BUCKETS = 17;
export const WINDOW_MS = 1_000;

/** Everything that keeps state: counts by a new key, counts by window, pairs of two streams. */
export function provedTopology(): Topology {
  const builder = new StreamsBuilder();
  const texts = { key: strings, value: strings };
  const numbers = builder.stream(INPUT, texts);
  const buckets = numbers.groupBy((value) => `bucket-${Number(value) % BUCKETS}`, {
    name: 'by-bucket',
    key: strings,
  });
  buckets.count({ store: 'counted' }).toStream().to(COUNTS);
  numbers
    .groupByKey()
    .windowedBy(tumbling({ sizeMs: WINDOW_MS, graceMs: 3_600_000 }))
    .count({ store: 'windows' })
    .toStream()
    .to(PER_WINDOW, { value: integers });
  numbers
    .joinStream(builder.stream(OTHERS, texts), (left, right) => `${left} ${right}`, {
      store: 'waiting',
      withinMs: 0,
      graceMs: 3_600_000,
    })
    .to(PAIRS, { value: strings });
  return builder.build();
}
