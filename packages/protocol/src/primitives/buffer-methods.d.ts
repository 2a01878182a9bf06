// Methods that every Buffer has had since Node's beginnings but that its type declarations leave out. They skip
// the choice of an encoding by name, which costs more than the work itself for short text.
interface Buffer {
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, at: number, size: number): number;
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number, size: number): number;
  base64urlSlice(start: number, end: number): string;
  base64urlWrite(text: string, at: number, size: number): number;
}
