import type { Command } from 'commander';

/** Adds examples below the help of a command: what each does, and its command line. */
export function withExamples(command: Command, examples: readonly (readonly [string, string])[]): Command {
  const lines = examples.map(([what, how]) => `  ${what}:\n    ${how}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
