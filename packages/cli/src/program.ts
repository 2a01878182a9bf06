import { Command, CommanderError } from 'commander';
import { failureLine } from './failure.ts';
import { CommandError, ExitCode, watchedOutput, type Terminal } from './terminal.ts';

/** A module in `commands/`: adds itself to the program. */
interface CommandModule {
  readonly register: (program: Command, terminal: Terminal) => void;
}

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** All commands. Only the one that is asked for is loaded. */
const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  start: { summary: 'start a broker', load: () => import('./commands/start.ts') },
  topics: {
    summary: 'create, list, describe, alter and delete topics',
    load: () => import('./commands/topics.ts'),
  },
  produce: { summary: 'send lines of the standard input', load: () => import('./commands/produce.ts') },
  consume: { summary: 'write records to the standard output', load: () => import('./commands/consume.ts') },
  groups: {
    summary: 'list, describe, reset and delete consumer groups',
    load: () => import('./commands/groups.ts'),
  },
  'dead-letters': {
    summary: 'list dead letters, and put them back',
    load: () => import('./commands/dead-letters.ts'),
  },
  configs: {
    summary: 'describe, set and delete settings of topics and brokers',
    load: () => import('./commands/configs.ts'),
  },
  cluster: {
    summary: 'show how a cluster is, move partitions and leaders',
    load: () => import('./commands/cluster.ts'),
  },
};

const VERSION = '0.1.0';

/** Runs the command line. @returns the exit code of the process */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  const isVerbose = args.includes('--verbose');
  const outputFailure = watchedOutput(terminal.stdout);
  watchedOutput(terminal.stderr);
  let program: Command | null = null;
  try {
    program = await programFor(commandName(args), terminal);
    await program.parseAsync([...normalised(args)], { from: 'user' });
    const failure = await outputFailure();
    if (failure !== null)
      throw new CommandError(`cannot write the output: ${failure.message}`, { cause: failure });
    return ExitCode.OK;
  } catch (error) {
    return reportFailure(error, isVerbose, helpCommand(program, args), terminal);
  }
}

/** What shows the help of the command that was meant. */
function helpCommand(program: Command | null, args: readonly string[]): string {
  const path = ['odradek'];
  let command: Command | null | undefined = program;
  for (const arg of args) {
    command = command?.commands.find((each) => each.name() === arg);
    if (command === undefined) break;
    path.push(arg);
  }
  return `${path.join(' ')} --help`;
}

/** `odradek help topics` means `odradek topics --help`; nothing at all means help. */
function normalised(args: readonly string[]): readonly string[] {
  if (args.length === 0) return ['--help'];
  if (args[0] !== 'help') return args;
  return [...args.slice(1), '--help'];
}

function commandName(args: readonly string[]): string | undefined {
  return normalised(args).find((arg) => !arg.startsWith('-'));
}

async function programFor(name: string | undefined, terminal: Terminal): Promise<Command> {
  const program = new Command('odradek')
    .description('Apache Kafka on Node.js: a broker, and the commands to use any Kafka cluster')
    .usage('<command> [options]')
    .version(VERSION)
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: () => undefined,
    });
  const entry = name === undefined ? undefined : COMMANDS[name];
  if (entry !== undefined) {
    (await entry.load()).register(program, terminal);
    return program;
  }
  // For the overview and for suggestions the names do.
  for (const [command, { summary }] of Object.entries(COMMANDS)) program.command(command).summary(summary);
  if (name !== undefined) program.argument('[command]');
  return program.action(() => {
    program.error(`unknown command "${name}"`, { exitCode: ExitCode.USAGE });
  });
}

function reportFailure(error: unknown, isVerbose: boolean, help: string, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return ExitCode.OK;
    // A command that only holds others was called without one, and its help has been shown.
    if (error.code === 'commander.help') return ExitCode.USAGE;
    const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    terminal.stderr.write(`odradek: ${message}; see ${help}\n`);
    return ExitCode.USAGE;
  }
  terminal.stderr.write(`odradek: ${failureLine(error)}\n`);
  if (isVerbose && error instanceof Error) terminal.stderr.write(`${stackOf(error)}\n`);
  return error instanceof CommandError ? error.exitCode : ExitCode.FAILED;
}

function stackOf(error: Error): string {
  const own = error.stack ?? String(error);
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}
