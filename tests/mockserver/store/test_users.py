"""Users: unique ids and addresses, pages; compared with a plain list."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from duologue.contract.users import User
from duologue_mock.store.users import EmailTakenError, Users


def user(id: str, email: str | None = None, name: str = "Name") -> User:
    return User(id=id, name=name, email=email or f"u{id}@example.com", role="user")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a@example.com", "a@example.com"),
        ("a@example.com", "A@EXAMPLE.COM"),
        ("STRASSE@example.com", "straße@example.com"),
        ("ΣΑΣ@example.com", "σας@example.com"),
    ],
)
def test_email_is_unique(first: str, second: str) -> None:
    users = Users()
    users.add(user("1", first))
    with pytest.raises(EmailTakenError, match=f"^{second}$"):
        users.add(user("2", second))
    assert users.get_by_email(second) == user("1", first)
    assert len(users) == 1
    assert users.get("2") is None


def test_page_of_all() -> None:
    users = Users()
    users.add(user("1"))
    users.add(user("2"))
    assert users.page(page=1, limit=10) == ([user("1"), user("2")], 2)
    assert users.get_by_email("unknown@example.com") is None


def test_user_id_is_unique() -> None:
    users = Users()
    users.add(user("1"))
    with pytest.raises(ValueError, match="'1'"):
        users.add(user("1", "other@example.com"))
    assert users.get_by_email("other@example.com") is None
    assert list(users) == [user("1")]


def test_replace_changes_email() -> None:
    users = Users()
    users.add(user("1", "old@example.com"))
    users.replace(user("1", "new@example.com"))
    assert users.get_by_email("old@example.com") is None
    assert users.get_by_email("NEW@example.com") == user("1", "new@example.com")
    users.add(user("2", "old@example.com"))


def test_replace_with_taken_email() -> None:
    users = Users()
    users.add(user("1", "a@example.com"))
    users.add(user("2", "b@example.com"))
    with pytest.raises(EmailTakenError):
        users.replace(user("2", "A@example.com"))
    assert list(users) == [user("1", "a@example.com"), user("2", "b@example.com")]
    assert users.get_by_email("b@example.com") == user("2", "b@example.com")


@pytest.mark.parametrize("act", ["replace", "remove"])
def test_change_of_unknown_user(act: str) -> None:
    users = Users()
    with pytest.raises(KeyError):
        users.replace(user("1")) if act == "replace" else users.remove("1")
    assert users.get_by_email("u1@example.com") is None
    assert len(users) == 0


@pytest.mark.parametrize(
    ("known_ids", "next_id"),
    [
        ([], "1"),
        (["1", "2"], "3"),
        (["7"], "8"),
        (["7", "3"], "8"),
        (["abc", "u-9"], "1"),
        (["007"], "8"),
        (["٣"], "1"),
        (["²"], "1"),
        (["-5"], "1"),
        (["9" * 18], "1" + "0" * 18),
        (["9" * 30], "1" + "0" * 30),
        (["8" + "9" * 999], "9" + "0" * 999),
        (["9" * 1000], "1" + "0" * 1000),
        (["9" * 1001], "1"),
    ],
)
def test_next_id(known_ids: list[str], next_id: str) -> None:
    users = Users()
    for number, id in enumerate(known_ids):
        users.add(user(id, f"known{number}@example.com"))
    for _ in range(3):
        assert users.next_id() == next_id
        users.add(user(next_id))
        next_id = str(int(next_id) + 1)


def test_removed_id_is_not_reused() -> None:
    users = Users()
    for _ in range(3):
        users.add(user(users.next_id()))
    users.remove("3")
    assert users.next_id() == "4"


def test_passwords() -> None:
    users = Users()
    users.add(user("1"), "sesam öffne dich")
    users.add(user("2"))
    assert users.password_matches(user("1"), "sesam öffne dich")
    assert users.get_password("1") == "sesam öffne dich"
    assert users.get_password("2") is None
    assert not users.password_matches(user("1"), "sesam")
    assert not users.password_matches(user("2"), "")
    users.replace(user("1", "new@example.com"))
    assert users.password_matches(user("1"), "sesam öffne dich"), "a change of address keeps the password"
    users.remove("1")
    users.add(user("1"))
    assert not users.password_matches(user("1"), "sesam öffne dich"), "another user of that id has none"


EMAILS = st.sampled_from([f"{name}@example.com" for name in ("ann", "ANN", "Bob", "bob", "cy", "dee")])
NAMES = st.sampled_from(["Ann", "bob", "Straße", "STRASSE", "Æsa"])


class UsersMachine(RuleBasedStateMachine):
    """Users against a plain list."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.users = Users()
        self.model: list[User] = []
        self.ever: set[str] = set()

    def is_taken(self, email: str, but: str = "") -> bool:
        return any(one.email.casefold() == email.casefold() and one.id != but for one in self.model)

    @rule(target=ids, email=EMAILS, name=NAMES)
    def add(self, email: str, name: str) -> str:
        new_user = User(self.users.next_id(), name, email, "user")
        assert new_user.id not in self.ever
        if self.is_taken(email):
            with pytest.raises(EmailTakenError):
                self.users.add(new_user)
        else:
            self.users.add(new_user)
            self.model.append(new_user)
            self.ever.add(new_user.id)
        return new_user.id

    @rule(id=ids, email=EMAILS, name=NAMES)
    def change(self, id: str, email: str, name: str) -> None:
        changed = User(id, name, email, "admin")
        place = next((index for index, one in enumerate(self.model) if one.id == id), None)
        if place is None:
            with pytest.raises(KeyError):
                self.users.replace(changed)
        elif self.is_taken(email, but=id):
            with pytest.raises(EmailTakenError):
                self.users.replace(changed)
        else:
            self.users.replace(changed)
            self.model[place] = changed

    @rule(id=consumes(ids))
    def remove(self, id: str) -> None:
        if any(one.id == id for one in self.model):
            self.users.remove(id)
            self.model = [one for one in self.model if one.id != id]

    @rule(page=st.integers(1, 4), limit=st.integers(1, 4), search=st.sampled_from(["", "N", "straSSe", "@EX", "zz"]))
    def look(self, page: int, limit: int, search: str) -> None:
        part = search.casefold()
        matching = [one for one in self.model if part in one.name.casefold() or part in one.email.casefold()]
        start = (page - 1) * limit
        assert self.users.page(page=page, limit=limit, search=search) == (
            matching[start : start + limit],
            len(matching),
        )

    @invariant()
    def equals_model(self) -> None:
        assert list(self.users) == self.model
        assert len(self.users) == len(self.model)
        assert all(self.users.get(one.id) == one == self.users.get_by_email(one.email.upper()) for one in self.model)


TestUsersModel = UsersMachine.TestCase
