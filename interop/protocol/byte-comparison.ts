import { Reader } from '../../packages/protocol/src/primitives/reader.ts';
import { Writer } from '../../packages/protocol/src/primitives/writer.ts';
import { versionsOf, type MessageCodec } from '../../packages/protocol/test/messages/codecs.ts';
import { assertSameContents } from '../../packages/protocol/test/messages/java-contents.ts';
import { SeededRandom, randomMessage } from '../../packages/protocol/test/messages/random-message.ts';
import { counterpart, fieldCounterpart } from './counterparts.ts';
import type { JavaExchange, JavaMessage } from './java-exchange.ts';

export interface Comparison {
  /** Message and version pairs that were compared. */
  readonly pairs: ReadonlySet<string>;
  readonly contents: number;
  readonly failures: readonly string[];
}

export interface Effort {
  readonly seed: number;
  /** Contents per message and version. */
  readonly count: number;
  /** Elements per array at most. */
  readonly length: number;
}

type Codecs = ReadonlyMap<string, MessageCodec>;

/** Java writes random contents: ours must read the same contents and write the same bytes. */
export async function compareJavaToOurs(
  java: JavaExchange,
  codecs: Codecs,
  effort: Effort,
): Promise<Comparison> {
  const result = new Tally();
  for await (const message of java.generate(effort.seed, effort.count, effort.length)) {
    const ours = counterpart(java.version, message.name, message.version);
    if (ours === null) continue;
    result.check(`${ours.name} v${ours.version}`, message.hex, () => {
      const codec = codecs.get(ours.name);
      if (codec === undefined) throw new Error('there is no schema for it');
      checkReading(codec, ours.version, message);
    });
  }
  return result;
}

/** Ours writes random contents: Java must read the same contents and write the same bytes. */
export async function compareOursToJava(
  java: JavaExchange,
  codecs: Codecs,
  effort: Effort,
  javaVersions: ReadonlyMap<string, { readonly name: string; readonly version: number }>,
): Promise<Comparison> {
  const result = new Tally();
  const asked = writeRandom(codecs, effort, javaVersions);
  let next = 0;
  const lines = asked.map(({ java: { name, version }, hex }) => `${name}\t${version}\t${hex}\n`);
  for await (const answer of java.echo(lines)) {
    const { codec, version, hex, message } = asked[next++]!;
    result.check(`${codec.name} v${version}`, hex, () => {
      if (answer.error !== undefined) throw new Error(`Java refuses it: ${answer.error}`);
      if (answer.hex !== hex) throw new Error(`Java writes ${answer.hex}`);
      assertSame(codec.name, message, answer.json);
    });
  }
  if (next !== asked.length) throw new Error(`Java answered ${next} of ${asked.length} messages`);
  return result;
}

interface Question {
  readonly codec: MessageCodec;
  readonly version: number;
  readonly java: { readonly name: string; readonly version: number };
  readonly hex: string;
  /** As read back, so that fields which were left out have their defaults. */
  readonly message: object;
}

function writeRandom(
  codecs: Codecs,
  { seed, count, length }: Effort,
  javaVersions: ReadonlyMap<string, { readonly name: string; readonly version: number }>,
): Question[] {
  const questions: Question[] = [];
  const random = new SeededRandom(seed);
  for (const codec of codecs.values()) {
    for (const version of versionsOf(codec)) {
      const java = javaVersions.get(`${codec.name} v${version}`);
      if (java === undefined) continue;
      for (let i = 0; i < count; i++) {
        const bytes = written(codec, randomMessage(codec.schema, version, random, length), version);
        const message = codec.read(new Reader(bytes), version);
        questions.push({ codec, version, java, hex: bytes.toString('hex'), message });
      }
    }
  }
  return questions;
}

function checkReading(codec: MessageCodec, version: number, java: JavaMessage): void {
  const reader = new Reader(Buffer.from(java.hex, 'hex'));
  const message = codec.read(reader, version);
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes left over`);
  assertSame(codec.name, message, java.json);
  const again = written(codec, message, version).toString('hex');
  if (again !== java.hex) throw new Error(`ours writes ${again}`);
}

function assertSame(name: string, ours: object, java: unknown): void {
  assertSameContents(ours, java, name, (field) => fieldCounterpart(name, field));
}

function written(codec: MessageCodec, message: object, version: number): Buffer {
  const writer = new Writer();
  codec.write(writer, message, version);
  return writer.toBuffer();
}

class Tally implements Comparison {
  readonly pairs = new Set<string>();
  readonly failures: string[] = [];
  contents = 0;

  check(pair: string, hex: string, check: () => void): void {
    this.pairs.add(pair);
    this.contents++;
    try {
      check();
    } catch (error) {
      this.failures.push(`${pair}: ${(error as Error).message}\n    bytes ${hex}`);
    }
  }
}
