import { errorName } from '@odradek/protocol/errors.ts';
import { RawConnection, type ClientApi } from './raw-connection.ts';

/** Longer than any wait that a conversation means to have. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Ids that a broker makes up: a prefix and a uuid. */
const GENERATED_ID = /[A-Za-z0-9._]*-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Talks to one broker and writes down what it answers, in a form that two brokers can be compared by. */
export class Transcript {
  readonly lines: string[] = [];
  /** Prefix of groups, so that runs do not meet. */
  readonly groupPrefix: string;
  private readonly host: string;
  private readonly port: number;
  private readonly versions: ReadonlyMap<number, { readonly min: number; readonly max: number }>;
  private readonly connections: RawConnection[] = [];
  private readonly names = new Map<string, string>();

  constructor(
    host: string,
    port: number,
    versions: ReadonlyMap<number, { readonly min: number; readonly max: number }>,
    groupPrefix: string,
  ) {
    this.host = host;
    this.port = port;
    this.versions = versions;
    this.groupPrefix = groupPrefix;
  }

  /** Versions that both brokers serve. */
  versionsOf(api: { readonly key: number }): number[] {
    const range = this.versions.get(api.key);
    if (range === undefined) return [];
    return Array.from({ length: range.max - range.min + 1 }, (_, i) => range.min + i);
  }

  newest(api: { readonly key: number }): number {
    return this.versions.get(api.key)!.max;
  }

  async connection(): Promise<RawConnection> {
    const connection = await RawConnection.open(this.host, this.port);
    this.connections.push(connection);
    return connection;
  }

  heading(text: string): void {
    this.lines.push(`# ${text}`);
  }

  /** Asks and writes the answer down. @returns the answer, or null when the connection was closed instead */
  async ask<RequestInput, Response>(
    label: string,
    api: ClientApi<RequestInput, Response>,
    version: number,
    message: RequestInput,
    connection?: RawConnection,
  ): Promise<Response | null> {
    const used = connection ?? (await this.connection());
    try {
      const response = await Promise.race([used.ask(api, version, message), noAnswer()]);
      this.write(label, api.name, version, response);
      return response;
    } catch (error) {
      this.lines.push(`${label}: ${api.name} v${version}: ${(error as Error).message}`);
      return null;
    }
  }

  write(label: string, apiName: string, version: number, response: unknown): void {
    const text = this.rename(JSON.stringify(response, encodeBytes));
    const contents = JSON.stringify(normalized(JSON.parse(text)));
    this.lines.push(`${label}: ${apiName} v${version}: ${contents}`);
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }

  /** Generated ids become names in the order in which they are first seen. */
  private rename(text: string): string {
    return text.replaceAll(GENERATED_ID, (id) => {
      const uuid = id.slice(-36);
      if (!this.names.has(uuid)) this.names.set(uuid, `<id ${this.names.size + 1}>`);
      return `${id.slice(0, -36)}${this.names.get(uuid)}`;
    });
  }
}

function noAnswer(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('no answer')), ANSWER_TIMEOUT_MS).unref();
  });
}

/** Bytes as hexadecimal. */
function encodeBytes(_key: string, value: unknown): unknown {
  const bytes = value as { readonly type?: string; readonly data?: number[] } | null;
  return bytes?.type === 'Buffer' ? Buffer.from(bytes.data!).toString('hex') : value;
}

/** Error codes by name; lists, which may come from hash tables, in the order of their contents. */
function normalized(value: unknown, key = ''): unknown {
  if (key === 'errorCode') return errorName(value as number);
  if (Array.isArray(value)) {
    const elements = value.map((element) => normalized(element));
    return elements.sort((a, b) => compareTexts(JSON.stringify(a), JSON.stringify(b)));
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name]) => name !== 'throttleTimeMs');
  return Object.fromEntries(fields.map(([name, field]) => [name, normalized(field, name)]));
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
