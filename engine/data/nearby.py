"""What is near a point: a box of latitudes and longitudes in the database, the distance along the sphere in Python.

The distance is the haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984): good to
half a percent anywhere, and exact where points lie close together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, Integer, cast, func, literal_column, or_

from engine.data.fields import masked, resolve, unknown
from engine.data.select import Selection
from engine.data.statement import Statement

EARTH_KM = 6_371.0088
"""Mean radius of the earth (IUGG)."""
MOST_NEAR = 5_000
"""Records of a box that are measured."""
_POLE, _HALF_TURN = 90.0, 180.0


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the earth, in degrees (WGS 84)."""

    lat: float
    lng: float


@dataclass(frozen=True, slots=True)
class Near:
    """A record and how far away it is."""

    id: str
    point: Point
    km: float


def distance_km(one: Point, other: Point) -> float:
    """Return the distance between two places along the surface, in kilometres."""
    lat, other_lat = math.radians(one.lat), math.radians(other.lat)
    half_lat, half_lng = (other_lat - lat) / 2, math.radians(other.lng - one.lng) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat) * math.cos(other_lat) * math.sin(half_lng) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, chord)))


def box_around(point: Point, km: float) -> dict[str, float]:
    """Return the box of degrees that everything within a distance lies in; the whole turn near a pole.

    `west` is greater than `east` where the box goes over the line of change of date.
    """
    angle = math.degrees(km / EARTH_KM)
    south, north = point.lat - angle, point.lat + angle
    if south <= -_POLE or north >= _POLE:
        return {"south": max(south, -_POLE), "north": min(north, _POLE), "west": -_HALF_TURN, "east": _HALF_TURN}
    # The widest part of the circle lies nearer to the pole than its middle.
    reach = math.sin(km / EARTH_KM) / math.cos(math.radians(point.lat))
    wide = math.degrees(math.asin(min(1.0, reach)))
    if wide >= _HALF_TURN / 2:
        return {"south": south, "north": north, "west": -_HALF_TURN, "east": _HALF_TURN}
    west, east = point.lng - wide, point.lng + wide
    return {
        "south": south,
        "north": north,
        "west": west + 2 * _HALF_TURN if west < -_HALF_TURN else west,
        "east": east - 2 * _HALF_TURN if east > _HALF_TURN else east,
    }


class Around(Selection):
    """The places of records in a box, on their way to SQL."""

    def places(self, path: str) -> Statement:
        """Compile rows of (id, latitude, longitude) of what lies in the box."""
        resolved = resolve(self.roles, self.entity, path)
        if resolved.masked:
            raise masked(path)
        if resolved.kind != "column" or resolved.field.type.name != "geo":
            raise unknown(path)
        element = self.root.value(resolved.keys, asking=True)
        lat, lng = (self._degrees(element, axis) for axis in ("lat", "lng"))
        bound = {name: self.frame.binds.value(name, Float()) for name in ("south", "north", "west", "east")}
        turns = self.frame.binds.value("turns", Integer())
        inside = [
            lat >= bound["south"],
            lat <= bound["north"],
            or_(
                (turns == literal_column("0")) & (lng >= bound["west"]) & (lng <= bound["east"]),
                (turns == literal_column("1")) & or_(lng >= self._again("west"), lng <= self._again("east")),
            ),
        ]
        chosen = self.chosen([self.root.alias.c.id, lat, lng], [*self.conditions(), *inside])
        return self.frame.binds.finish(chosen.limit(self.frame.binds.value("limit", Integer())))

    def _again(self, name: str) -> Any:
        return self.frame.binds.value(name, Float())

    def _degrees(self, element: ColumnElement[Any], axis: str) -> ColumnElement[Any]:
        if self.frame.kind == "sqlite":
            return func.json_extract(element, literal_column(f"'$.{axis}'"))
        return cast(element.op("->>")(literal_column(f"'{axis}'")), Float())
