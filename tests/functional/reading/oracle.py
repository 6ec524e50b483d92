"""Who may see what, worked out row by row in Python: the oracle of the leak tests over the rows of the world."""

from engine.data.reader import Reader
from engine.leaks import Oracle as RowByRow
from engine.leaks import Plain
from tests.functional.reading.world import NOW, World


class Oracle(RowByRow):
    """Answers for one person."""

    def __init__(self, world: World, reader: Reader) -> None:
        super().__init__(Plain(reader.connection, reader.published), reader.principal, NOW)
        self.world = world

    def readable(self, entity: str) -> set[str]:
        return {row["id"] for row in self.visible(entity)}
