"""Nodes: how each kind of operator takes, computes and passes on. `Graph` wires them."""

from headrace.core.nodes.join import Join, Merge
from headrace.core.nodes.map import Map
from headrace.core.nodes.node import Edge, Node, upstream
from headrace.core.nodes.react import React
from headrace.core.nodes.reader import Reader

__all__ = ["Edge", "Join", "Map", "Merge", "Node", "React", "Reader", "upstream"]
