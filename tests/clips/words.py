"""The words of the clips: a vocabulary that is drawn, common words of recordings, and one that never is drawn."""

from __future__ import annotations

from random import Random

_DRAWN = """
account acorn address advice afternoon airport alarm album amber anchor angle animal answer apple apron
archive arctic arrival arrow artist autumn avenue badge bakery balance balloon bamboo banner barley
barrel basin basket battery beacon bedrock beetle bicycle blanket blossom border bottle boulder branch
bread bridge bright broken bronze brother bucket budget builder button cabin cable camera candle canal
canvas capital captain carbon careful carpet castle cattle ceiling census centre century chapter
charcoal chart cherry chimney circle citizen clever climate cloud coast collect colour column comet
compass concert copper corner cotton council country courier cradle crater crystal culture current
curtain customer dairy damage dancer danger daughter daylight decade deliver delta demand desert detail
diamond dinner distance district doctor dolphin double dragon drawing eagle early eastern echo editor
electric element elephant empty engine entrance equal estate evening evidence exact example expert
fabric factory family famous farmer feather fellow fence ferry festival figure filter finger finish
flower follow forest formula fossil fountain fragile freedom friday friend frozen funnel future galaxy
gallery garden garlic gather gentle giant ginger glacier glass golden gradient granite gravity guitar
habit hammer harbour harvest hazel helmet hidden hollow honest horizon hotel hundred hunter image impact
income index island ivory jacket january jasmine journal journey jungle justice kernel kettle kingdom
kitchen ladder lagoon lantern laptop lattice lawyer leather ledger lemon lesson letter library liquid
listen little lizard local lucky lumber machine magnet manager maple marble margin market matrix meadow
measure medicine melody member memory mercury message metal middle midnight mineral minute mirror mobile
modern moment monday monitor morning mountain museum narrow native nature needle network nickel noble
normal northern notebook number object ocean october office olive orange orbit orchard ordinary origin
outline owner oxygen package painter palace panel paper parade parcel partner pattern pencil people
pepper perfect phrase piano pigeon pilot planet plastic platform pocket poetry polite portrait postal
potato powder present printer prize profit project promise public purple puzzle quarter question quiet
rabbit radio railway random reader record region remember reply report result ribbon ridge river rocket
rough royal rubber saddle safety sailor salmon sample sandal saturday scale school science season second
sector sensor shadow shelter signal silent silver simple single sister sketch smooth soldier southern
spectrum spider spring square stable station steady stone storm stream street student sudden sugar
summer sunday surface survey tablet talent target teacher temple theatre thunder ticket timber tobacco
tomato tower traffic train travel treasure tropical trumpet tunnel turbine uniform useful valley vanilla
velvet vessel victory village violet vision visitor volume voyage wagon walnut warrior water weather
wedding welcome western wheat whisper willow window winter wisdom wonder wooden yellow
"""

_COMMON = """
a about after again all an and are at before books bring browser build by c cam came cancel cannot cat cc
changes checking clear copied copy copying count csv delivery does edit error errors every exit f file files
find for found full grams has help if in info is its june keeper keeps l lecture line load log long look lost
ls make md mnt name near needs new no none noon not note now o of open place please print r read ready running
rw save sent source staff state status still stopped tail term the this to total try two txt used view waiting
warning we weighs www your
"""

_NEVER_DRAWN = """
abbey accordion astronomer avocado bagpipe bazaar broccoli buffalo bulldozer burgundy cactus cashmere
catapult cathedral cello chandelier chimpanzee chocolate cinnamon clarinet cobweb cognac crocodile
croquet cucumber daffodil dinosaur doughnut dungeon dynamite eclipse embroidery emerald escalator falcon
flamingo fudge furnace gazelle giraffe gondola goulash graffiti grapefruit guillotine gymnast hamburger
harmonica hedgehog hippopotamus hurricane hyena igloo jackal jellyfish jewellery jukebox kangaroo
karaoke kayak kiosk knapsack koala labyrinth lavender lighthouse lobster lullaby macaroni mahogany
mammoth mandolin mango mattress mermaid microwave mongoose mosquito moustache mushroom nightingale
nougat nutmeg octopus omelette orchestra ostrich paprika parachute peacock pelican porcupine pretzel
pumpkin pyjamas pyramid quicksand raccoon raspberry rhubarb saxophone scorpion seaweed skyscraper
sombrero spaghetti squirrel submarine tambourine tarantula toboggan tortoise trampoline trombone typhoon
ukulele umbrella unicorn vampire vinegar volcano walrus xylophone yoghurt zebra zeppelin
"""

#: Words that lines are made of.
VOCABULARY = tuple(_DRAWN.split())
#: Further words of recordings: of menus, commands and sentences; none is in `UNSHOWN`.
COMMON = tuple(_COMMON.split())
#: Words that no line ever holds: for questions whose answer was not seen.
UNSHOWN = tuple(_NEVER_DRAWN.split())


def number(rng: Random) -> str:
    """A count, a percentage, a quarter or a time of day."""
    return rng.choice(
        (
            str(rng.randint(2, 9999)),
            f"{rng.uniform(1, 99):.1f}%",
            f"Q{rng.randint(1, 4)}",
            f"{rng.randint(1, 23)}:{rng.randint(10, 59)}",
        )
    )


class Wording:
    """Draws lines of words, none twice."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.used: set[str] = set()

    def line(self, words: int) -> str:
        """A new line of `words` words (2 to 7), half of the time one of them a number."""
        while True:
            drawn = self.rng.sample(VOCABULARY, words)
            if self.rng.random() < 0.5:
                drawn[self.rng.randrange(words)] = number(self.rng)
            text = " ".join(drawn)
            text = text[0].upper() + text[1:]
            if text not in self.used:
                self.used.add(text)
                return text
