// The load generator, a process of its own so that it has a core of its own: takes what to do as JSON in its one
// argument, prints what it found as JSON.
import { fetchLoad } from './fetch-load.ts';
import { latencyLoad } from './latency-load.ts';
import type { LoadResult, LoadSpec } from './load-spec.ts';
import { produceLoad } from './produce-load.ts';
import { tailLoad } from './tail-load.ts';

function run(spec: LoadSpec): Promise<LoadResult> {
  switch (spec.kind) {
    case 'produce':
      return produceLoad(spec);
    case 'fetch':
      return fetchLoad(spec);
    case 'tail':
      return tailLoad(spec);
    case 'latency':
      return latencyLoad(spec);
  }
}

const [, , argument] = process.argv;
if (argument === undefined) throw new Error('use: run-load.ts JSON (see load-spec.ts)');
try {
  const result = await run(JSON.parse(argument) as LoadSpec);
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`, () => process.exit(1));
}
