import { PassThrough, Readable, Writable } from 'node:stream';
import { runProgram } from '../../src/program.ts';

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
}

export interface Invocation {
  /** What comes in on the standard input; nothing unless given. */
  readonly stdin?: string | Buffer | Readable;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
}

class Collector extends Writable {
  readonly chunks: Buffer[] = [];
  isTTY = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** The command line in this process, against one broker. */
export class CommandLine {
  private readonly bootstrapServers: string;

  constructor(bootstrapServers: string) {
    this.bootstrapServers = bootstrapServers;
  }

  /** Runs `odradek <args>` to its end. */
  async run(args: readonly string[], given: Invocation = {}): Promise<Outcome> {
    const stdout = new Collector();
    const stderr = new Collector();
    stdout.isTTY = given.isTTY ?? false;
    const exitCode = await runProgram(args, {
      stdin: inputOf(given.stdin ?? ''),
      stdout,
      stderr,
      env: { ODRADEK_BOOTSTRAP_SERVER: this.bootstrapServers, ...given.env },
    });
    return {
      exitCode,
      stdout: stdout.bytes.toString(),
      stdoutBytes: stdout.bytes,
      stderr: stderr.bytes.toString(),
    };
  }

  /** As `run`, for commands that have to succeed. @returns the standard output */
  async output(args: readonly string[], given: Invocation = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(args, given);
    if (exitCode !== 0) throw new Error(`odradek ${args.join(' ')}: exit code ${exitCode}, ${stderr}`);
    return stdout;
  }

  /** The rows of a table as arrays of cells, without the heading. */
  async rows(args: readonly string[]): Promise<string[][]> {
    const lines = (await this.output(args)).trimEnd().split('\n');
    return lines.slice(1).map((line) => line.trim().split(/ {2,}/));
  }
}

function inputOf(stdin: string | Buffer | Readable): Readable {
  if (stdin instanceof Readable) return stdin;
  const input = new PassThrough();
  input.end(stdin);
  return input;
}
