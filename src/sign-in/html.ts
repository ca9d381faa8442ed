/** A piece of HTML whose every part was escaped or written by us. Only `html` and `mark` make one. */
export class Html {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** Builds the piece; what is not a piece itself is escaped. */
  static of(literals: TemplateStringsArray, values: readonly HtmlValue[]): Html {
    let text = literals[0] ?? '';
    values.forEach((value, i) => {
      text += rendered(value) + (literals[i + 1] ?? '');
    });
    return new Html(text);
  }
}

/** What may stand in a template: texts and numbers are escaped, lists are joined, `undefined` and `false` are left out. */
export type HtmlValue = Html | string | number | undefined | false | readonly HtmlValue[];

/**
 * Template tag for HTML.
 *
 * Security: every value is escaped for text and for quoted attributes; attributes are always written in double quotes, and no
 * value ever stands in a script, in a style or where a URL's scheme is decided.
 */
export function html(literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return Html.of(literals, values);
}

/** Gives a text so that it is only text, in an element and in a double-quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

function rendered(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(rendered).join('');
}
