from dnabert.report.cards import shown


def test_names_of_repeats_leave_room_for_other_terms() -> None:
    def row(column: str, term: str, odds_ratio: float) -> dict:
        return {"column": column, "term": term, "odds_ratio": odds_ratio, "q": 0.01}

    names = [row("repeat_name", f"Alu{n}", 90.0 - n) for n in range(9)]
    classes = [row("repeat_class", "SINE/Alu", 80.0), row("main_region", "CDS", 0.1), row("genome", "human", 1.1)]
    card = {"label": 0, "annotation": [*names, *classes]}
    assert [each["term"] for each in shown(card)["annotation"]] == ["Alu0", "Alu1", "Alu2", "SINE/Alu", "CDS", "human"]
