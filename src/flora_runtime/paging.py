"""Lists that come page by page, read as they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve, frozen

from flora_runtime.codec import decoder
from flora_runtime.drift import Drift
from flora_runtime.errors import PaginationError
from flora_runtime.exchange import block_on
from flora_runtime.options import is_number
from flora_runtime.paths import at_path, is_array, text_at, without
from flora_runtime.session import RawResponse, Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator, Mapping

    from flora_runtime.model import Call
    from flora_runtime.operation import ListOperation, Paging
    from flora_runtime.options import Options

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """One page of a list. Iterating gives its items."""

    items: tuple[T, ...]
    next_cursor: str | None
    """Where the next page starts; None on the last."""
    data: Mapping[str, Any]
    """The page as it came, without its items."""
    call: Call
    unreadable: tuple[Any, ...] = ()
    """Items that are no objects of the expected kind, as they came."""
    next_offset: int | None = None
    """Where the next page starts, of a list that counts items; None on the last."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@frozen
class Listing(Generic[T]):
    """A list that is to be read: which, and from where."""

    session: Session
    operation: ListOperation[T]
    arguments: Mapping[str, Any]
    options: Options


async def _read(listing: Listing[T]) -> RawResponse[Page[T]]:
    """The page that a list starts with. Raises FloraError."""
    session, operation, options = listing.session, listing.operation, listing.options
    paging = operation.paging
    request = session.draft(operation, listing.arguments, options)
    answer, call = await session.exchange(request, options)
    data = session.data(answer, call)
    listed = at_path(data, paging.items)
    if not is_array(listed):
        raise session.unreadable(f"it has no {paging.items}", answer, call)
    decode = decoder(operation.result)
    items: list[T] = []
    unreadable: list[Any] = []
    drifts: list[Drift] = []
    for item in listed:
        try:
            items.append(decode(item, operation.name, drifts))
        except TypeError as error:
            unreadable.append(item)
            drifts.append(Drift("unreadable_item", operation.name, str(error)))
    session.note(drifts, answer, call)
    position = following(paging, listing.arguments, data, len(listed)) or {}
    page = Page(
        items=tuple(items),
        next_cursor=position.get(paging.cursor or ""),
        data=without(data, paging.items),
        call=call,
        unreadable=tuple(unreadable),
        next_offset=position.get(paging.offset or ""),
    )
    return RawResponse(answer.status_code, answer.headers, answer.body, call, page)


def following(
    paging: Paging, arguments: Mapping[str, Any], data: Any, shown: int
) -> dict[str, Any] | None:
    """What to ask for besides to get the page after one of so many items; None after the last.

    A total decides where there is one: a server may give less on a page than was asked for.
    """
    if paging.cursor is not None:
        cursor = text_at(data, paging.next)
        return {paging.cursor: cursor} if cursor else None
    if paging.offset is None or not shown:
        return None
    reached = (arguments.get(paging.offset) or 0) + shown
    total, size = at_path(data, paging.total), arguments.get(paging.size or "")
    short = is_number(size) and shown < size
    ended = reached >= total if is_number(total) else short
    return None if ended else {paging.offset: reached}


class _Pages(Generic[T]):
    """Goes from page to page, and notices when it goes in a circle."""

    def __init__(self, listing: Listing[T]) -> None:
        self._listing = listing
        self._seen: set[int] = set()
        """Hashes of cursors, not cursors: a long list must not fill the memory."""
        paging = listing.operation.paging
        self._argument = paging.cursor or paging.offset or ""
        self._position: str | int | None = listing.arguments.get(self._argument)
        self._shown: tuple[T, ...] = ()
        self.done = False

    async def next(self) -> Page[T]:
        listing, position = self._listing, self._position
        if position is not None:
            if hash(position) in self._seen:
                raise PaginationError(str(position))
            self._seen.add(hash(position))
        raw = await _read(
            evolve(listing, arguments={**listing.arguments, self._argument: position})
        )
        page = raw.parse()
        if page.next_offset is not None and page.items and page.items == self._shown:
            raise PaginationError(str(position))
        self._shown = page.items
        self._position = page.next_cursor or page.next_offset
        self.done = self._position is None
        return page


class Pager(Generic[T]):
    """A list of any length. Iterating gives its items, asking for pages as it goes."""

    def __init__(self, listing: Listing[T]) -> None:
        self._listing = listing

    def __repr__(self) -> str:
        return f"<Pager of {self._listing.operation.name}: iterate it, or its pages()>"

    def first(self) -> RawResponse[Page[T]]:
        """The first page as it came."""
        return block_on(_read(self._listing))

    def pages(self) -> Iterator[Page[T]]:
        """Page by page. `page.next_cursor` or `next_offset` is where to go on another time."""
        pages = _Pages(self._listing)
        while not pages.done:
            yield block_on(pages.next())

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items


class AsyncPager(Generic[T]):
    """A list of any length. Iterating gives its items, asking for pages as it goes; awaiting it
    gives its first page."""

    def __init__(self, listing: Listing[T]) -> None:
        self._listing = listing

    def __repr__(self) -> str:
        return f"<AsyncPager of {self._listing.operation.name}: iterate it, or its pages()>"

    async def first(self) -> RawResponse[Page[T]]:
        """The first page as it came."""
        return await _read(self._listing)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page by page. `page.next_cursor` or `next_offset` is where to go on another time."""
        pages = _Pages(self._listing)
        while not pages.done:
            yield await pages.next()

    def __await__(self) -> Generator[Any, None, Page[T]]:
        """The first page."""
        return self._first().__await__()

    async def _first(self) -> Page[T]:
        return (await self.first()).parse()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item
