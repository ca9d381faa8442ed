/** One page of a list, and where the next one begins; `undefined` on the last. */
export interface Page<Item> {
  readonly records: readonly Item[];
  readonly next: string | undefined;
}

/**
 * Gives the pages of a list one after the other; each is asked for when the one before it was used.
 *
 * @param read - gives the page behind `after`, the first one without it
 */
export async function* pagesOf<Item>(
  read: (place: { readonly after?: string }) => Promise<Page<Item>>,
): AsyncGenerator<readonly Item[]> {
  let after: string | undefined;
  do {
    const page = await read(after === undefined ? {} : { after });
    yield page.records;
    after = page.next;
  } while (after !== undefined);
}
