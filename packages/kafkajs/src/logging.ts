/** How much is logged; each includes those before it. */
export const logLevel = { NOTHING: 0, ERROR: 1, WARN: 2, INFO: 4, DEBUG: 5 } as const;
export type logLevel = (typeof logLevel)[keyof typeof logLevel];

export interface LoggerEntryContent {
  readonly timestamp: string;
  readonly message: string;
  readonly [key: string]: unknown;
}

export interface LogEntry {
  readonly namespace: string;
  readonly level: logLevel;
  readonly label: string;
  readonly log: LoggerEntryContent;
}

/** Makes the function that every entry goes to. */
export type logCreator = (level: logLevel) => (entry: LogEntry) => void;

type Log = (message: string, extra?: object) => void;

export interface Logger {
  readonly info: Log;
  readonly error: Log;
  readonly warn: Log;
  readonly debug: Log;
  /** The same under a name, and at a level of its own when one is given. */
  readonly namespace: (namespace: string, level?: logLevel) => Logger;
  /** For this logger and those made from it that have no level of their own. */
  readonly setLogLevel: (level: logLevel) => void;
}

/** `KAFKAJS_LOG_LEVEL` wins over what the program says. */
function effectiveLevel<Level extends logLevel | undefined>(given: Level): Level | logLevel {
  const name = (process.env['KAFKAJS_LOG_LEVEL'] ?? '').toUpperCase();
  return Object.hasOwn(logLevel, name) ? logLevel[name as keyof typeof logLevel] : given;
}

/** Entries as lines of JSON on the console. */
export const consoleLogCreator: logCreator = () => {
  const byLevel: Readonly<Record<number, (line: string) => void>> = {
    [logLevel.ERROR]: (line) => console.error(line),
    [logLevel.WARN]: (line) => console.warn(line),
    [logLevel.INFO]: (line) => console.info(line),
    [logLevel.DEBUG]: (line) => console.log(line),
  };
  return ({ namespace, level, label, log }) => {
    const message = namespace === '' ? log.message : `[${namespace}] ${log.message}`;
    byLevel[level]?.(JSON.stringify({ level: label, ...log, message }));
  };
};

export function createLogger({
  level = logLevel.INFO,
  logCreator = consoleLogCreator,
}: {
  readonly level?: logLevel;
  readonly logCreator?: logCreator;
} = {}): Logger {
  let common: logLevel = effectiveLevel(level);
  const write = logCreator(common);
  const named = (namespace: string, own: logLevel | undefined): Logger => {
    const logAt =
      (label: keyof typeof logLevel): Log =>
      (message, extra = {}) => {
        if (logLevel[label] > (own ?? common)) return;
        const log = { timestamp: new Date().toISOString(), logger: 'kafkajs', message, ...extra };
        write({ namespace, level: logLevel[label], label, log });
      };
    return {
      info: logAt('INFO'),
      error: logAt('ERROR'),
      warn: logAt('WARN'),
      debug: logAt('DEBUG'),
      namespace: (inner, innerLevel) => named(inner, effectiveLevel(innerLevel)),
      setLogLevel: (next) => {
        common = next;
      },
    };
  };
  return named('', undefined);
}
