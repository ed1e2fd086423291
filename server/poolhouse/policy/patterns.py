"""Sets of patterns, as the elements Action and Resource list them: one question, is this text named by any of them?"""

from __future__ import annotations

from collections.abc import Iterable

from .values import Keys
from .variables import Escaped, Part, Variable, scan, variables
from .wildcard import Matcher, Token, Wild, compile_tokens, tokens, within_segments


class Template:
    """A pattern with variables, finished for each request; what a variable stands for is taken literally."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Iterable[Token | Variable]) -> None:
        self._parts = tuple(parts)

    def matcher(self, keys: Keys) -> Matcher | None:
        """Finish the pattern, or return None when a variable has no value."""
        finished: list[Token] = []
        for part in self._parts:
            token = part.value(keys) if isinstance(part, Variable) else part
            if token is None:
                return None
            finished.append(token)
        return compile_tokens(finished)

    def matches(self, text: str, keys: Keys) -> bool:
        """Return whether the finished pattern matches; an absent variable is like nothing."""
        matcher = self.matcher(keys)
        return matcher is not None and matcher(text)


def pattern_parts(parts: tuple[Part, ...], *, arn: bool) -> list[Token | Variable]:
    """Find the wildcards in the plain text of a scanned value; with `arn`, keep them within their segments."""
    found: list[Token | Variable] = []
    for part in parts:
        if isinstance(part, str):
            found.extend(tokens(part))
        else:
            found.append(part.character if isinstance(part, Escaped) else part)
    confined = within_segments(found) if arn else found
    return [part for part in confined if isinstance(part, str | Wild | Variable)]


class PatternSet:
    """The patterns of one element, sorted by what it costs to ask them."""

    __slots__ = ("_everything", "_exact", "_fixed", "_prefixes", "_templates")

    def __init__(self, scanned: Iterable[tuple[Part, ...]], *, arns: bool = False) -> None:
        exact: set[str] = set()
        prefixes: list[str] = []
        fixed: list[Matcher] = []
        templates: list[Template] = []
        self._everything = False
        for parts in scanned:
            arn = arns and isinstance(parts[0], str) and parts[0].startswith("arn:")
            pattern = pattern_parts(parts, arn=arn)
            if variables(parts):
                templates.append(Template(pattern))
                continue
            known = [part for part in pattern if not isinstance(part, Variable)]
            if known == [Wild.ANY]:
                self._everything = True
            elif all(isinstance(part, str) for part in known):
                exact.add("".join(part for part in known if isinstance(part, str)))
            elif len(known) == 2 and isinstance(known[0], str) and known[1] is Wild.ANY:
                prefixes.append(known[0])
            else:
                fixed.append(compile_tokens(known))
        self._exact = frozenset(exact)
        self._prefixes = tuple(prefixes)
        self._fixed = tuple(fixed)
        self._templates = tuple(templates)

    @classmethod
    def of(cls, values: Iterable[str], version: str, *, arns: bool = False) -> PatternSet:
        """Compile the values of an element. Raises PolicyError for a variable that cannot be read."""
        return cls([scan(value, version) for value in values], arns=arns)

    def matches(self, text: str, keys: Keys) -> bool:
        """Return whether any of the patterns names this text."""
        if self._everything or text in self._exact or (self._prefixes and text.startswith(self._prefixes)):
            return True
        for matcher in self._fixed:
            if matcher(text):
                return True
        return any(template.matches(text, keys) for template in self._templates) if self._templates else False

    def unfinished(self, keys: Keys) -> bool:
        """Return whether some pattern has a variable without a value, so that what the set names is not fully known."""
        return any(template.matcher(keys) is None for template in self._templates)
