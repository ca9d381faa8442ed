/** An encryption or integrity algorithm that is not supported, or costs too much. The message is made for people. */
export class KeyEncryptionError extends Error {
  readonly word: 'passphrase-cost' | 'unsupported';

  constructor(word: 'passphrase-cost' | 'unsupported', message: string) {
    super(message);
    this.word = word;
  }
}
