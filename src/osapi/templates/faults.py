"""What is wrong with a template: the line and the reason."""

from __future__ import annotations

from osapi.contract.errors import Invalid

CODE = "template_error"


class TemplateFault(Invalid):
    """A template that cannot be used. `line` begins at 1; 0 when none is to blame."""

    code = CODE

    def __init__(self, line: int, reason: str) -> None:
        where = f"line {line}: " if line else ""
        super().__init__(f"the template cannot be used: {where}{reason}", details={"line": line, "reason": reason})
        self.line = line
        self.reason = reason
