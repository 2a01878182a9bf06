import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { counterpart } from './counterparts.ts';
import type { JavaExchange } from './java-exchange.ts';

const FILE = fileURLToPath(new URL('../../packages/protocol/test/vectors/messages.txt', import.meta.url));
const SEED = 7;
const PER_VERSION = 2;
const ARRAY_LENGTH_MAX = 2;

/**
 * Writes the vectors that the unit tests compare with: contents written by Java, the newest Kafka that has the
 * message version. A line holds name, version, bytes in hex and contents as JSON, separated by tabs.
 */
export async function writeVectors(kafkas: readonly JavaExchange[]): Promise<void> {
  const lines = new Map<string, string[]>();
  for (const java of kafkas) {
    const fromThis = new Map<string, string[]>();
    for await (const { name, version, hex, json } of java.generate(SEED, PER_VERSION, ARRAY_LENGTH_MAX)) {
      const ours = counterpart(java.version, name, version);
      if (ours === null) continue;
      const pair = `${ours.name}\t${ours.version}`;
      const line = `${pair}\t${hex}\t${JSON.stringify(json)}`;
      fromThis.set(pair, [...(fromThis.get(pair) ?? []), line]);
    }
    for (const [pair, own] of fromThis) lines.set(pair, own);
  }
  const text = [...lines.values()].flat().join('\n');
  writeFileSync(FILE, `${text}\n`);
  console.log(`${lines.size} message versions, ${text.length} characters`);
}
