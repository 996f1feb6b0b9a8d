"""Lines for a shell by which a Postfix is changed and changed back: what a person reviews, applies, and
takes back without a trace. Pure."""

from __future__ import annotations

from typing import Final

MAP: Final = "texthash"
"""A map that Postfix reads as it stands (texthash_table(5)): it needs no postmap."""


class Postfix:
    """`postconf`: the command, with its options for another instance (`postconf -c /etc/postfix-out`)."""

    def __init__(self, postconf: str) -> None:
        self.postconf = postconf
        self.reload = postconf.replace("postconf", "postfix", 1) + " reload"

    def service(self, name: str, most: str, *options: str) -> str:
        """A line of master.cf: the smtp client, at most so many at once."""
        more = "".join(f" -o {each}" for each in options)
        return f'{self.postconf} -M {name}/unix="{name} unix - - n - {most} smtp{more}"'

    def map_first(self, file: str) -> str:
        """`transport_maps` looks into the file first; applied twice, it stands there once."""
        # For Postfix to expand, not for the shell.
        return self.put("transport_maps", f"{MAP}:\\$config_directory/{file}", file)

    def no_map(self, file: str) -> tuple[str, ...]:
        return self.take("transport_maps", f"{MAP}:[^ ,]*{file}")

    def put(self, name: str, value: str, word: str) -> str:
        """In front of what is there, unless it is there. `todoku-hold-1` is not `todoku-hold-12`."""
        there = f"{self.postconf} -h {name}"
        known = f"{there} | grep -qE '(^|[ ,/]){word}([ ,]|$)'"
        return f'{known} || {self.postconf} -e "{name} = {value} $({there})"'

    def take(self, name: str, pattern: str) -> tuple[str, ...]:
        there = f"{self.postconf} -h {name}"
        # Where nothing is left, as if it had never been set.
        return (
            f"{self.postconf} -e \"{name} = $({there} | sed -E 's#{pattern}([ ,]+|$)##')\"",
            f'[ -n "$({there})" ] || {self.postconf} -X {name}',
        )

    def unless_mapped(self, prefix: str, *commands: str) -> tuple[str, ...]:
        """What cases share goes with the last of them."""
        there = f"{self.postconf} -h transport_maps"
        return (f"if ! {there} | grep -qF {prefix}; then", *commands, "fi")

    def slow(self, name: str, delay: int) -> tuple[str, ...]:
        """A service that sends one message after the other, with a pause of `delay` seconds for each
        domain."""
        return (
            self.service(name, "1"),
            f"{self.postconf} -e {name}_destination_rate_delay={delay}s",
            f"{self.postconf} -e {name}_destination_concurrency_limit=1",
        )

    def not_slow(self, name: str) -> tuple[str, ...]:
        return self.no_service(
            name,
            f"{self.postconf} -X {name}_destination_rate_delay",
            f"{self.postconf} -X {name}_destination_concurrency_limit",
        )

    def no_service(self, name: str, *more: str) -> tuple[str, ...]:
        """Where it is not there, nothing is to be done."""
        there = f"{self.postconf} -M {name}/unix 2>/dev/null"
        return (
            f"if {there} | grep -q {name}; then",
            f"{self.postconf} -MX {name}/unix",
            *more,
            "fi",
        )
