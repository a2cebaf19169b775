"""A user who types what other packs or hosted services call a thing finds our node; the menu holds them in one place."""

from __future__ import annotations

import pytest

# Words people type -> a node that must answer to them.
SEARCHED = {
    "motion control": {"KMCSampler"}, "openpose": {"ExtractHolisticPose"}, "dwpose": {"ExtractHolisticPose"},
    "character": {"BuildSubjectLibrary", "KMCSampler"}, "reference image": {"BuildSubjectLibrary"}, "driving video": {"LoadMotionVideo"},
    "mocap": {"KMCLoadMotion", "KMCSaveMotion"}, "bvh": {"KMCLoadMotion", "KMCSaveMotion"}, "camera": {"OrientationMode"},
    "retarget": {"RetargetSkeleton"}, "dance": {"KMCLoadMotion", "LoadMotionVideo"}, "turbo": {"DistilledKMCSampler"},
    "quality check": {"KMCPreflight"}, "animate": {"KMCSampler"}, "skeleton": {"ExtractHolisticPose", "RetargetSkeleton"},
}  # fmt: skip


def words_of(node: type) -> str:
    schema = node.GET_SCHEMA()
    return " ".join((schema.display_name, *(schema.search_aliases or ()))).lower()


@pytest.mark.parametrize("words", SEARCHED)
def test_a_search_finds_the_node(node_classes: dict[str, type], words: str) -> None:
    found = {name for name, node in node_classes.items() if words in words_of(node)}
    assert SEARCHED[words] <= found, f"{words!r} finds {sorted(found)}"


def test_all_nodes_stand_in_one_menu_and_have_aliases(node_classes: dict[str, type]) -> None:
    for name, node in node_classes.items():
        schema = node.GET_SCHEMA()
        assert schema.category == "KMC" and len(schema.search_aliases) >= 3, name
        assert len(set(map(str.lower, schema.search_aliases))) == len(schema.search_aliases), name
