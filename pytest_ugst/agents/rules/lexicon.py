"""Vocabulary of the concierge domain, for the rule-based agent. Keys with punctuation are regular expressions."""

from __future__ import annotations

import re

SLOTS = {
    "restaurant": ("area", "cuisine", "price", "outdoor_seating"),
    "hotel": ("area", "kind", "price", "stars", "parking", "wifi", "breakfast"),
    "attraction": ("area", "kind", "free_entry"),
    "train": ("origin", "destination", "day", "leave_after", "arrive_by"),
}
"""Slots to search by, for each kind."""
BOOKING_SLOTS = {
    "restaurant": ("day", "time", "people"),
    "hotel": ("day", "nights", "people"),
    "attraction": ("day", "people"),
    "train": ("people",),
}
"""Slots a booking needs beside the place or train, for each kind."""


def search_slot(slot: str, kind: str) -> str:
    """Return the name a slot has in a search: ``sight`` and ``house`` are the ``kind`` of attractions and hotels.

    Args:
        slot: The name of the slot in an utterance.
        kind: The kind of thing that is searched for.

    Returns:
        The name; empty for the slot ``kind`` itself, since utterances tell their kind by other means.
    """
    if (slot, kind) in (("sight", "attraction"), ("house", "hotel")):
        return "kind"
    return slot if slot != "kind" else ""


NUMBERS = {
    "a couple of": 2,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
}
NUMBER = r"(?:\d{1,3}|" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + r")"
AREAS = {
    "north": "north",
    "northern": "north",
    "south": "south",
    "southern": "south",
    "east": "east",
    "eastern": "east",
    "west": "west",
    "western": "west",
    "centre": "centre",
    "center": "centre",
    "central": "centre",
    "centrally": "centre",
    "downtown": "centre",
}
PRICES = {
    r"cheap(?:er|est|ly)?|inexpensive|budget|affordable|low[- ](?:cost|price|priced|budget)|economical": "cheap",
    r"moderate(?:ly)?|mid[- ]?range|mid[- ]?priced?|medium|reasonabl[ey]|average[- ]price[d]?": "moderate",
    r"expensive|upscale|up-market|upmarket|fancy|high[- ]end|luxur(?:y|ious)|pricey|posh|fine dining": "expensive",
}
CUISINES: list[str] = re.findall(
    r"\w+",
    "italian indian chinese french seafood vegetarian mexican japanese turkish thai korean ethiopian spanish american "
    "british english german lebanese vietnamese moroccan vegan african portuguese polish russian brazilian peruvian "
    "cuban caribbean persian hungarian swedish danish scandinavian austrian malaysian indonesian filipino greek swiss "
    "mediterranean belgian irish scottish argentinian australian jamaican nepalese tibetan burmese georgian halal "
    "kosher barbecue steakhouse fusion international cantonese egyptian",
)
DISHES = {"sushi": "japanese", "ramen": "japanese", "pizza": "italian", "pasta": "italian", "tacos": "mexican"}
SIGHTS = {
    r"museums?": "museum",
    r"(?:amusement|theme|water) parks?": "amusement park",
    r"parks?(?! and ride)": "park",
    r"theat(?:re|er)s?": "theatre",
    r"(?:art )?galler(?:y|ies)": "gallery",
    r"boat (?:tours?|trips?|rides?|cruises?)|river cruises?|cruises?": "boat tour",
    r"(?:botanical )?gardens?": "garden",
    r"castles?": "castle",
    r"cinemas?|movie theat(?:re|er)s?": "cinema",
    r"markets?": "market",
    r"night ?clubs?": "nightclub",
    r"swimming ?pools?|pools?|swimming": "swimming pool",
    r"towers?": "tower",
    r"zoos?": "zoo",
    r"aquariums?": "aquarium",
    r"cathedrals?": "cathedral",
    r"stadiums?": "stadium",
    r"concert ?halls?": "concert hall",
    r"planetariums?": "planetarium",
    r"casinos?": "casino",
    r"beach(?:es)?": "beach",
    r"ice rinks?": "ice rink",
    r"bowling(?: alleys?)?": "bowling alley",
    r"golf courses?": "golf course",
    r"escape rooms?": "escape room",
    r"college(?:s)?": "college",
    r"church(?:es)?": "church",
}
HOUSES = {r"hostels?": "hostel", r"guest ?-?houses?": "guesthouse", r"hotels?": "hotel"}
CITIES = ("Quillhaven", "Ashmere", "Brindleford", "Corrowby", "Dunmarsh", "Port Sallow", "Thornvale")
FEATURES = {
    "parking": r"(?:car )?park(?:ing)(?: (?:space|spot|lot)s?)?|car ?park",
    "wifi": r"wi-?fi|internet",
    "breakfast": r"breakfasts?",
    "outdoor_seating": (
        r"outdoor (?:seating|seats|tables?|area|terrace|dining)|outdoors|terrace|al fresco"
        r"|(?:sit|seats?|seating|tables?|eat|dine) outside|outside (?:seating|seats"
        r"|tables?)|outdoor"
    ),
}
SLOT_WORDS = {
    "area": r"(?:areas?|parts? of (?:the )?town|location|neighbou?rhood)",
    "price": r"(?:price(?: range)?|prices|cost|budget)",
    "cuisine": r"(?:cuisines?|kinds? of (?:food|cuisine)|types? of (?:food|cuisine)|food(?: type)?)",
    "outdoor_seating": r"(?:outdoor seating|terrace|sitting outside)",
    "stars": r"(?:star(?: rating)?|stars|number of stars|rating)",
    "parking": r"(?:parking)",
    "wifi": r"(?:wi-?fi|internet)",
    "breakfast": r"(?:breakfast)",
    "free_entry": r"(?:entry fee|entrance fee|admission|free entry|fee)",
    "kind": (
        r"(?:kinds?(?: of (?:place|attraction|house|sight))?|types?(?: of (?:place|attraction"
        r"|house|sight|hotel))?)"
    ),
    "day": r"(?:day|date)",
    "leave_after": r"(?:departure(?: time)?|time of departure|leaving time)",
    "arrive_by": r"(?:arrival(?: time)?|time of arrival)",
}
