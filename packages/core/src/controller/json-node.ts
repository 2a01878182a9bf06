/** The contents of a node are not what this release, or Apache Kafka 3.9, would write. */
export class NodeFormatError extends Error {
  override readonly name = 'NodeFormatError';
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`the node ${path} holds ${reason}`);
    this.path = path;
  }
}

/** The fields of a JSON object kept in a node, with the checks that its readers need. */
export class JsonNode {
  private readonly path: string;
  private readonly fields: Readonly<Record<string, unknown>>;

  /** @throws NodeFormatError when the data is no JSON object */
  constructor(path: string, data: Buffer | null) {
    this.path = path;
    this.fields = parseObject(path, data);
  }

  has(name: string): boolean {
    return this.fields[name] !== undefined && this.fields[name] !== null;
  }

  integer(name: string): number {
    const value = this.fields[name];
    return Number.isSafeInteger(value) ? (value as number) : this.fail(name, 'an integer', value);
  }

  string(name: string): string {
    const value = this.fields[name];
    return typeof value === 'string' ? value : this.fail(name, 'a string', value);
  }

  integers(name: string): number[] {
    return integersOf(this.fields[name]) ?? this.fail(name, 'a list of integers', this.fields[name]);
  }

  strings(name: string): string[] {
    const value = this.fields[name];
    const good = Array.isArray(value) && value.every((item) => typeof item === 'string');
    return good ? (value as string[]) : this.fail(name, 'a list of strings', value);
  }

  /** A list of objects. */
  objects(name: string): JsonNode[] {
    const value = this.fields[name];
    if (!Array.isArray(value) || !value.every(isObject)) return this.fail(name, 'a list of objects', value);
    return value.map((item) => new JsonNode(this.path, encodeJson(item as Record<string, unknown>)));
  }

  /** An object whose values are strings; empty when the field is missing. */
  stringMap(name: string): Map<string, string> {
    const entries = this.entries(name);
    return entries.every(([, value]) => typeof value === 'string')
      ? new Map(entries as [string, string][])
      : this.fail(name, 'an object of strings', this.fields[name]);
  }

  /** An object whose names are numbers and whose values are lists of integers; empty when the field is missing. */
  integersByNumber(name: string): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (const [key, value] of this.entries(name)) {
      const integers = integersOf(value);
      if (integers === null || !/^\d{1,10}$/.test(key))
        return this.fail(name, 'an object of lists of integers', this.fields[name]);
      found.set(Number(key), integers);
    }
    return found;
  }

  private entries(name: string): [string, unknown][] {
    const value = this.fields[name];
    if (value === undefined || value === null) return [];
    return isObject(value) ? Object.entries(value) : this.fail(name, 'an object', value);
  }

  private fail(name: string, wanted: string, value: unknown): never {
    const shown = JSON.stringify(value)?.slice(0, 80) ?? 'nothing';
    throw new NodeFormatError(this.path, `${shown} in "${name}", which must be ${wanted}`);
  }
}

export function encodeJson(fields: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify(fields), 'utf8');
}

function parseObject(path: string, data: Buffer | null): Readonly<Record<string, unknown>> {
  if (data === null) throw new NodeFormatError(path, 'nothing, where a JSON object must be');
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch {
    throw new NodeFormatError(path, `no JSON: ${data.toString('utf8').slice(0, 80)}`);
  }
  if (!isObject(value)) throw new NodeFormatError(path, 'JSON that is not an object');
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function integersOf(value: unknown): number[] | null {
  const good = Array.isArray(value) && value.every((item) => Number.isSafeInteger(item));
  return good ? (value as number[]) : null;
}
