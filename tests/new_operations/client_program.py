"""What a user of the copy's client does with the made-up operations: methods, pages, waiting."""

from __future__ import annotations

import sys

from flora_client import Flora, NotFoundError

HOME = "ws_abc123"


def main(base_url: str) -> None:
    with Flora(api_key="sk_live_test", base_url=base_url) as flora:
        made = [
            flora.boards.create(HOME, title=f"Board {number}", colour=colour, label="ours")
            for number, colour in enumerate(["red", "green", "blue", "red", "blue"])
        ]
        ids = [board.meta.board_id for board in made]
        assert len(set(ids)) == 5

        shown = [board.meta.board_id for board in flora.boards.list(HOME, most=2)]
        assert shown == ids, "pages of two, oldest first"
        red = [board.title for board in flora.boards.list(HOME, colour="red")]
        assert red == ["Board 0", "Board 3"]
        assert [b.title for b in flora.boards.list(HOME, titled="oard 2")] == ["Board 2"]
        assert len(list(flora.boards.list(HOME, label="ours"))) == 5
        assert list(flora.boards.list(HOME, label="theirs")) == []

        changed = flora.boards.update(HOME, ids[0], title="Changed")
        assert (changed.title, changed.colour) == ("Changed", "red")
        assert flora.boards.retrieve(HOME, ids[0]).title == "Changed"
        flora.boards.delete(HOME, ids[1])
        try:
            flora.boards.retrieve(HOME, ids[1])
        except NotFoundError:
            pass
        else:
            raise AssertionError("it is gone")

        seen = []
        render = flora.renders.create_and_wait(
            board=ids[0], quality="final", on_progress=lambda r: seen.append(r.phase)
        )
        assert render.phase == "done"
        assert render.film
        begun = flora.renders.create(board=ids[0], quality="draft", idempotency_key="mine")
        again = flora.renders.create(board=ids[0], quality="draft", idempotency_key="mine")
        assert again.render_id == begun.render_id, "a key that is replayed"
        assert flora.renders.wait(begun.render_id).phase == "done"
        history = [render.render_id for render in flora.renders.list(most=1)]
        assert history == [begun.render_id, render.render_id]

        inks = [ink.ink for ink in flora.inks.list(colour="blue")]
        assert inks == ["navy", "sky"]
    print(ids[0], begun.render_id)


if __name__ == "__main__":
    main(sys.argv[1])
