/**
 * The login file of Java programs (JAAS), as operators of Kafka have it: sections with login modules and their
 * options. Only read; nothing of Java is loaded.
 */
export interface JaasModule {
  /** Class name. */
  readonly module: string;
  readonly options: ReadonlyMap<string, string>;
}

const FLAGS = new Set(['required', 'requisite', 'sufficient', 'optional']);

/**
 * @returns the modules of each section, by its name
 * @throws Error saying what was expected where
 */
export function parseJaas(text: string): ReadonlyMap<string, readonly JaasModule[]> {
  const tokens = new Tokens(text);
  const sections = new Map<string, readonly JaasModule[]>();
  while (!tokens.isAtEnd) {
    const name = tokens.word('the name of a section');
    tokens.expect('{');
    const modules: JaasModule[] = [];
    while (!tokens.accept('}')) modules.push(readModule(tokens));
    tokens.expect(';');
    sections.set(name, modules);
  }
  return sections;
}

function readModule(tokens: Tokens): JaasModule {
  const module = tokens.word('the class of a login module');
  const flag = tokens.word('required, requisite, sufficient or optional');
  if (!FLAGS.has(flag.toLowerCase())) throw tokens.failure(`${flag} is no flag of a login module`);
  const options = new Map<string, string>();
  while (!tokens.accept(';')) {
    const name = tokens.word('the name of an option');
    tokens.expect('=');
    options.set(name, tokens.word(`the value of ${name}`));
  }
  return { module, options };
}

class Tokens {
  private readonly tokens: { readonly text: string; readonly isWord: boolean; readonly line: number }[] = [];
  private at = 0;

  constructor(text: string) {
    const pattern = /\/\/.*|#.*|\/\*[\s\S]*?\*\/|"((?:[^"\\]|\\.)*)"|([{};=])|([^\s{};="]+)|(")/g;
    for (const match of text.matchAll(pattern)) {
      const [, quoted, sign, bare, stray] = match;
      const line = text.slice(0, match.index).split('\n').length;
      if (stray !== undefined) throw new Error(`line ${line}: a quotation mark is not closed`);
      const word = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare;
      if (word !== undefined) this.tokens.push({ text: word, isWord: true, line });
      else if (sign !== undefined) this.tokens.push({ text: sign, isWord: false, line });
    }
  }

  get isAtEnd(): boolean {
    return this.at >= this.tokens.length;
  }

  word(what: string): string {
    const token = this.tokens[this.at];
    if (token?.isWord !== true) throw this.failure(`expected is ${what}`);
    this.at += 1;
    return token.text;
  }

  accept(sign: string): boolean {
    const token = this.tokens[this.at];
    if (token === undefined || token.isWord || token.text !== sign) return false;
    this.at += 1;
    return true;
  }

  expect(sign: string): void {
    if (!this.accept(sign)) throw this.failure(`expected is "${sign}"`);
  }

  /** Names the place and not what stands there, which may be a secret. */
  failure(what: string): Error {
    const token = this.tokens[this.at] ?? this.tokens.at(-1);
    return new Error(this.isAtEnd ? `at the end: ${what}` : `line ${token?.line ?? 1}: ${what}`);
  }
}
