import type { Client } from "./client.ts";

/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

/** What a list's query may say of its page; undefined counts as absent. */
interface Paging {
  page?: number | undefined;
  per_page?: number | undefined;
  cursor?: string | undefined;
}

/** What makes a list that is one array otherwise be answered by the page. */
interface Asking {
  page: number;
  per_page: number;
  cursor: string;
  external_id: string;
}

/** The query of a list that is answered as one array. */
export type AsksForAll<Query> = Omit<Query, keyof Asking> & { [Name in keyof Asking]?: undefined };

/** The query of a list that is answered by the page: it says so. */
export type AsksForPage<Query> = Query & { [Name in keyof Asking]: Pick<Asking, Name> }[keyof Asking];

/** An operation that answers by the page. */
type ListOperation<Ids extends string[], Query, Answer> = (
  ...args: [...ids: Ids, query: Query, client: Client]
) => Promise<Answer>;

/** What such an operation takes, but for the number of a page: pages are read in a row. */
type ListArguments<Ids extends string[], Query> = [...ids: Ids, query: Omit<Query, "page">, client: Client];

const PER_PAGE = 100;

/**
 * The pages of a list, one after the other from the first, or from the `cursor` of the query: `per_page` is 100 unless
 * given. `listEvents` ends for now where there are no more events; its last page's `next_cursor` goes on from there.
 */
export async function* pages<Ids extends string[], Query extends Paging, Answer extends Page<unknown>>(
  list: ListOperation<Ids, Query, Answer>,
  ...args: ListArguments<Ids, Query>
): AsyncGenerator<Answer, void, undefined> {
  const ids = args.slice(0, -2) as Ids;
  const [query, client] = args.slice(-2) as [Query, Client];
  let cursor: string | undefined;
  do {
    const asked = {
      ...query,
      per_page: query.per_page ?? PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = await list(...ids, asked, client);
    yield page;
    cursor = page.items.length > 0 ? (page.next_cursor ?? undefined) : undefined;
  } while (cursor !== undefined);
}

/** The items of a list, page after page, as `pages` reads them. */
export async function* items<Ids extends string[], Query extends Paging, Item>(
  list: ListOperation<Ids, Query, Page<Item>>,
  ...args: ListArguments<Ids, Query>
): AsyncGenerator<Item, void, undefined> {
  for await (const page of pages(list, ...args)) yield* page.items;
}
