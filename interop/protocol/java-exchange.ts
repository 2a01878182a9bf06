import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { KafkaVersion } from '../../scripts/kafka-jars.ts';
import { javaProgram } from '../programs.ts';

/** What Java makes of a message: its bytes and its contents, or why it refuses them. */
export interface JavaMessage {
  readonly name: string;
  readonly version: number;
  readonly hex: string;
  readonly json: unknown;
  readonly error?: string;
}

/** Apache Kafka's own message classes of one version, in a Java process per call. */
export class JavaExchange {
  readonly version: KafkaVersion;
  private readonly command: readonly string[];

  constructor(version: KafkaVersion) {
    this.version = version;
    this.command = javaProgram(join(import.meta.dirname, 'MessageExchange.java'), version);
  }

  /** The message definitions of this version, as they stand in its jars. */
  async *definitions(): AsyncGenerator<unknown> {
    for await (const line of this.run(['definitions'])) yield JSON.parse(line);
  }

  /** The error codes of this version. */
  async *errors(): AsyncGenerator<{
    readonly code: number;
    readonly name: string;
    readonly retriable: boolean;
  }> {
    for await (const line of this.run(['errors'])) {
      const [code, name, retriable] = line.split('\t');
      yield { code: Number(code), name: name ?? '', retriable: retriable === 'true' };
    }
  }

  /** Random contents of every message and version: `count` each, arrays of up to `length` elements. */
  async *generate(seed: number, count: number, length: number): AsyncGenerator<JavaMessage> {
    for await (const line of this.run(['generate', String(seed), String(count), String(length)])) {
      yield parseLine(line);
    }
  }

  /** Lets Java read messages and write them again; the answers come in the order of the questions. */
  async *echo(lines: Iterable<string>): AsyncGenerator<JavaMessage> {
    for await (const line of this.run(['echo'], lines)) yield parseLine(line);
  }

  private async *run(args: readonly string[], input: Iterable<string> = []): AsyncGenerator<string> {
    const [program = '', ...rest] = [...this.command, ...args];
    const java = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaints = '';
    java.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    const exit = once(java, 'exit');
    const fed = pipeline(Readable.from(input), java.stdin);
    yield* linesOf(java.stdout.setEncoding('utf8'));
    await fed;
    const [code] = (await exit) as [number | null];
    if (code !== 0) throw new Error(`java ended with ${code}: ${complaints}`);
  }
}

/** Splits at line feeds only: node:readline also splits at separators that may stand inside of JSON. */
async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

function parseLine(line: string): JavaMessage {
  const [name, version, hex, json] = line.split('\t');
  if (name === undefined || version === undefined || hex === undefined)
    throw new Error(`unexpected: ${line}`);
  const message = { name, version: Number(version), hex };
  if (hex === 'ERROR') return { ...message, json: null, error: json ?? '' };
  return { ...message, json: JSON.parse(json ?? 'null') };
}
