import { errorName } from '@odradek/protocol/errors.ts';
import { RawConnection, type ClientApi } from './raw-connection.ts';

/** Longer than any wait that a conversation means to have. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Ids that a broker makes up: a prefix and a uuid. */
const GENERATED_ID = /[A-Za-z0-9._]*-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export type Versions = ReadonlyMap<number, { readonly min: number; readonly max: number }>;

/** Talks to one broker and writes down what it answers, in a form that two brokers can be compared by. */
export class Transcript {
  readonly lines: string[] = [];
  readonly address: { readonly host: string; readonly port: number };
  private readonly versions: Versions;
  private readonly hiddenFields: ReadonlySet<string>;
  private readonly blurredFields: ReadonlySet<string>;
  private readonly connections: RawConnection[] = [];
  private readonly names = new Map<string, string>();
  private readonly secrets = new Map<string, string>();

  /**
   * @param hiddenFields fields that are not written down
   * @param blurredFields fields of which only whether they say something is written down
   */
  constructor(
    address: { readonly host: string; readonly port: number },
    versions: Versions,
    hiddenFields: readonly string[] = [],
    blurredFields: readonly string[] = [],
  ) {
    this.address = address;
    this.versions = versions;
    this.hiddenFields = new Set(['throttleTimeMs', ...hiddenFields]);
    this.blurredFields = new Set(blurredFields);
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
    const connection = await RawConnection.open(this.address.host, this.address.port);
    this.connections.push(connection);
    return connection;
  }

  heading(text: string): void {
    this.lines.push(`# ${text}`);
  }

  /** From now on `text`, which no two brokers share, is written as `name`. */
  nameAs(text: string, name: string): void {
    this.secrets.set(text, `<${name}>`);
  }

  /**
   * Asks and writes the answer down.
   *
   * @param view what to write down of an answer of which not all can be compared
   * @returns the answer, or null when the connection was closed instead
   */
  async ask<RequestInput, Response>(
    label: string,
    api: ClientApi<RequestInput, Response>,
    version: number,
    message: RequestInput,
    connection?: RawConnection,
    view: (response: Response) => unknown = (response) => response,
  ): Promise<Response | null> {
    const used = connection ?? (await this.connection());
    try {
      const response = await Promise.race([used.ask(api, version, message), noAnswer()]);
      this.write(label, api.name, version, view(response));
      return response;
    } catch (error) {
      this.lines.push(`${label}: ${api.name} v${version}: ${(error as Error).message}`);
      return null;
    }
  }

  write(label: string, apiName: string, version: number, response: unknown): void {
    const text = this.rename(JSON.stringify(response, encodeBytes));
    const contents = JSON.stringify(this.normalized(JSON.parse(text)));
    this.lines.push(`${label}: ${apiName} v${version}: ${contents}`);
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }

  /** Error codes by name; lists, which may come from hash tables, in the order of their contents. */
  private normalized(value: unknown, key = ''): unknown {
    if (key === 'errorCode') return errorName(value as number);
    if (this.blurredFields.has(key)) return blurred(value);
    if (Array.isArray(value)) {
      const elements = value.map((element) => this.normalized(element));
      return elements.sort((a, b) => compareTexts(JSON.stringify(a), JSON.stringify(b)));
    }
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).filter(([name]) => !this.hiddenFields.has(name));
    return Object.fromEntries(fields.map(([name, field]) => [name, this.normalized(field, name)]));
  }

  /** Generated ids become names in the order in which they are first seen. */
  private rename(text: string): string {
    const open = [...this.secrets].reduce((told, [secret, name]) => told.replaceAll(secret, name), text);
    return open.replaceAll(GENERATED_ID, (id) => {
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

/** Whether a value says something, and no more. */
function blurred(value: unknown): unknown {
  if (typeof value === 'number') return value > 0 ? 'some' : value;
  return typeof value === 'string' && value !== '' ? 'some' : value;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
