import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dice, writeCase } from './cases.ts';
import { writeRequest } from './comparison.ts';
import { askKafka, codecsOf } from './oracle.ts';

const FILE = join(import.meta.dirname, '../../packages/protocol/test/vectors/records.txt');
const SEED = 2024;
const RECORDS_MAX = 4;
const VALUE_SIZE_MAX = 200;

/**
 * A few batches of every format and codec as Java writes them, small enough to be kept: one on a line, the bytes
 * and then what Java reads in them.
 */
export function writeVectors(): void {
  const dice = new Dice(SEED);
  const inputs = ([0, 1, 2] as const).flatMap((magic) =>
    codecsOf(magic).flatMap((compression) =>
      (['create', 'log-append'] as const).map((timestampType) => {
        const input = writeCase(dice, magic);
        return {
          ...input,
          compression,
          timestampType,
          logAppendTimeMs: timestampType === 'log-append' && magic > 0 ? 1_700_000_000_000 : -1,
          records: input.records.slice(0, RECORDS_MAX).map((record) => ({
            ...record,
            key: record.key?.subarray(0, VALUE_SIZE_MAX) ?? null,
            value: record.value?.subarray(0, VALUE_SIZE_MAX) ?? null,
            headers: (record.headers ?? []).map(({ key, value }) => ({
              key,
              value: value?.subarray(0, VALUE_SIZE_MAX) ?? null,
            })),
          })),
        };
      }),
    ),
  );
  const requests = inputs.map(writeRequest);
  const written = askKafka(requests).map((answer) => {
    if (!answer.ok) throw new Error(answer.detail);
    return answer.fields[0]!;
  });
  const read = askKafka(written.map((bytes) => ['read', bytes])).map((answer) => {
    if (!answer.ok) throw new Error(answer.detail);
    return answer.fields;
  });
  const vectors = written.map((bytes, i) => [bytes, ...read[i]!].join('\t'));
  writeFileSync(FILE, `${vectors.join('\n')}\n`);
  console.log(`${vectors.length} vectors written`);
}
