import { styleText } from 'node:util';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'off'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where lines go, and whether colours are wanted there. */
export interface LogTarget {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const STYLES = { debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' } as const;

type Values = Readonly<Record<string, unknown>>;

/**
 * Log lines for people and for grep: time in UTC, level, sentence, then `name=value` for each value. One event
 * is one line, whatever the values hold; the stack of an error goes along at level debug only.
 *
 * @param level events below it are dropped
 */
export function consoleLog(level: LogLevel, target: LogTarget = process.stderr): LogSink {
  const threshold = LOG_LEVELS.indexOf(level);
  const withStack = level === 'debug';
  const logAt = (eventLevel: keyof typeof STYLES): LogSink['info'] => {
    if (LOG_LEVELS.indexOf(eventLevel) < threshold) return () => undefined;
    const name = eventLevel.toUpperCase().padEnd(5);
    const shown =
      target.isTTY === true ? styleText(STYLES[eventLevel], name, { validateStream: false }) : name;
    return (message, values) => {
      const time = new Date().toISOString();
      target.write(`${time} ${shown} ${oneLine(message)}${valuesText(values, withStack)}\n`);
    };
  };
  return { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
}

function valuesText(values: Values | undefined, withStack: boolean): string {
  if (values === undefined) return '';
  let text = '';
  for (const [name, value] of Object.entries(values)) text += ` ${name}=${valueText(value, withStack)}`;
  return text;
}

function valueText(value: unknown, withStack: boolean): string {
  if (value instanceof Error) return quoted(withStack ? (value.stack ?? value.message) : errorText(value));
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return quoted(String(value));
  }
}

function errorText(error: Error): string {
  return error.message === '' ? error.name : error.message;
}

/** As it is when that leaves no doubt where it ends, else in quotes. */
function quoted(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function oneLine(message: string): string {
  return message.replaceAll(/\s*\n\s*/g, ' ');
}
