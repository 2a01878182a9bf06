/**
 * Proves the protocol package against the definitions and classes of Apache Kafka 3.9 and 4.4. Needs Java, Maven
 * and, the first time, Maven Central.
 *
 *     node interop/protocol/run.ts [--count 20] [--seed 1]
 *     node interop/protocol/run.ts --write-vectors     renews the vectors that `npm test` compares with
 *
 * 0. Every error code: number, name, whether it is retriable.
 * 1. Every field of every message and version: name, type, order, nullability, tag, default, ignorability.
 * 2. Random contents, `count` for each message and version, written by Java: read by ours with the same
 *    contents, and written again with the same bytes.
 * 3. The same with the parts exchanged.
 */
import { parseArgs } from 'node:util';
import { ErrorCode, isRetriable } from '../../packages/protocol/src/errors.ts';
import {
  allMessages,
  loadCodecs,
  versionsOf,
  type MessageCodec,
} from '../../packages/protocol/test/messages/codecs.ts';
import { closeWith } from '../closing-line.ts';
import { compareJavaToOurs, compareOursToJava, type Comparison, type Effort } from './byte-comparison.ts';
import { counterpart } from './counterparts.ts';
import { compareDefinition, type OfficialMessage } from './definition-comparison.ts';
import { JavaExchange } from './java-exchange.ts';
import { writeVectors } from './write-vectors.ts';

const ARRAY_LENGTH_MAX = 4;
const FAILURES_SHOWN = 20;

let passed = 0;
let failed = 0;

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    'write-vectors': { type: 'boolean', default: false },
  },
});
const effort: Effort = { seed: Number(options.seed), count: Number(options.count), length: ARRAY_LENGTH_MAX };
const codecs = new Map((await loadCodecs()).map((codec) => [codec.name, codec]));
const kafkas = (['3.9', '4.4'] as const).map((version) => new JavaExchange(version));

if (options['write-vectors']) await writeVectors(kafkas);
else await compareAll();

async function compareAll(): Promise<void> {
  console.log(`seed ${effort.seed}, ${effort.count} contents for each message and version`);
  report('error codes', await compareErrors(kafkas.at(-1)!), Object.keys(ErrorCode).length, 'codes');
  const definitions = await readDefinitions();
  report('definitions', compareDefinitions(definitions), pairsOf(codecs).size, 'message versions');
  for (const java of kafkas) {
    const toOurs = await compareJavaToOurs(java, codecs, effort);
    reportBytes(`Kafka ${java.version} writes, ours reads`, toOurs);
    const javaVersions = versionsIn(java, definitions.get(java) ?? []);
    reportBytes(
      `ours writes, Kafka ${java.version} reads`,
      await compareOursToJava(java, codecs, effort, javaVersions),
    );
  }
  closeWith(passed, failed);
}

async function compareErrors(newest: JavaExchange): Promise<string[]> {
  const official = new Map<string, string>();
  for await (const { code, name, retriable } of newest.errors()) {
    official.set(name, `${code}, ${retriable ? '' : 'not '}retriable`);
  }
  const ours = new Map(
    Object.entries(ErrorCode).map(([name, code]) => [
      name,
      `${code}, ${isRetriable(code) ? '' : 'not '}retriable`,
    ]),
  );
  return [...new Set([...official.keys(), ...ours.keys()])]
    .filter((name) => ours.get(name) !== official.get(name))
    .map((name) => `${name}: ${ours.get(name)}, officially ${official.get(name)}`);
}

async function readDefinitions(): Promise<Map<JavaExchange, OfficialMessage[]>> {
  const definitions = new Map<JavaExchange, OfficialMessage[]>();
  for (const java of kafkas) {
    const messages: OfficialMessage[] = [];
    for await (const message of java.definitions()) messages.push(message as OfficialMessage);
    definitions.set(java, messages);
  }
  return definitions;
}

function compareDefinitions(definitions: ReadonlyMap<JavaExchange, readonly OfficialMessage[]>): string[] {
  const schemas = new Map(allMessages.map((message) => [message.name, message]));
  const seen = new Set<string>();
  const differences = [...definitions].flatMap(([java, messages]) =>
    messages.flatMap((message) => compareDefinition(java.version, message, schemas, seen)),
  );
  const invented = [...pairsOf(codecs)].filter((pair) => !seen.has(pair));
  return [...differences, ...invented.map((pair) => `${pair}: not in Kafka`)];
}

function pairsOf(codecs: ReadonlyMap<string, MessageCodec>): Set<string> {
  return new Set(
    [...codecs.values()].flatMap((codec) => versionsOf(codec).map((version) => `${codec.name} v${version}`)),
  );
}

/** For our messages and versions, what this version of Kafka calls them. */
function versionsIn(
  java: JavaExchange,
  definitions: readonly OfficialMessage[],
): Map<string, { readonly name: string; readonly version: number }> {
  const versions = new Map<string, { readonly name: string; readonly version: number }>();
  for (const { name, validVersions } of definitions) {
    if (validVersions === 'none') continue;
    const [min, max] = validVersions.split('-').map(Number) as [number, number?];
    for (let version = min; version <= (max ?? min); version++) {
      const ours = counterpart(java.version, name, version);
      if (ours !== null) versions.set(`${ours.name} v${ours.version}`, { name, version });
    }
  }
  return versions;
}

function reportBytes(what: string, comparison: Comparison): void {
  report(
    what,
    comparison.failures,
    comparison.contents,
    `contents of ${comparison.pairs.size} message versions`,
  );
}

function report(what: string, failures: readonly string[], compared: number, of: string): void {
  console.log(`${what}: ${compared} ${of}, ${failures.length} differences`);
  for (const failure of failures.slice(0, FAILURES_SHOWN)) console.log(`  ${failure}`);
  if (failures.length > FAILURES_SHOWN) console.log(`  and ${failures.length - FAILURES_SHOWN} more`);
  passed += Math.max(compared - failures.length, 0);
  failed += failures.length;
}
