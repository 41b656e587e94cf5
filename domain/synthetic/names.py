"""Names of people, businesses and communities, made of parts, and how sources spell them."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from domain.synthetic.randomness import pick
from domain.synthetic.tables import Column, joined, texts

CITIES = texts("成都", "重庆", "绵阳", "德阳", "乐山", "宜宾", "南充", "自贡")
CITY_SHARES = np.array([46.0, 24, 8, 6, 5, 4, 4, 3])

_SURNAMES = texts(
    *"王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董袁潘蒋蔡余", "欧阳", "司马"
)
_FIRST = texts(*"伟芳秀敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂建志文玉晓春雪海佳雨思子嘉俊宇梓欣浩一")
_SECOND = texts("", *"华英兰梅军平波辉玲芬国林龙生荣琴云莲凤斌轩涵怡瑶然宁豪杰琪悦诗晨曦阳萱")
_MARKS = texts(*"蜀川渝巴锦香味鲜福顺聚老鼎天金百悦和喜宽")
_STREETS = texts(
    "春熙路",
    "玉林",
    "建设路",
    "解放碑",
    "观音桥",
    "科华",
    "天府广场",
    "宽窄巷",
    "磁器口",
    "南坪",
    "双楠",
    "涪城",
)
_KITCHENS = texts("火锅", "川菜馆", "酒楼", "串串香", "烤鱼", "私房菜", "食府", "冒菜")
_EATERIES = texts("面馆", "小吃店", "快餐", "早餐铺", "卤味", "麻辣烫", "抄手", "食堂")
_ESTATES = texts(
    *("阳光", "翡翠", "锦绣", "龙湖", "金色", "碧水", "蓝光", "东方", "西城"),
    *("南苑", "北辰", "天府", "麓山", "望江", "浣花", "青羊", "武侯", "金牛"),
)
_ESTATE_KINDS = texts("花园", "家园", "苑", "小区", "公馆", "名邸", "佳苑", "新城")
_PHASES = texts("", "", "一期", "二期", "三期")


def person_parts(random: Generator, count: int) -> tuple[Column, Column]:
    """Surnames, common ones more often, and given names."""
    surnames = _SURNAMES[pick(random, 1 / (np.arange(len(_SURNAMES)) + 4.0), count)]
    given = joined(_some(random, _FIRST, count), _some(random, _SECOND, count))
    return surnames, given


def business_names(
    random: Generator, *, surnames: Column, is_chain: NDArray[np.bool_], is_eatery: NDArray[np.bool_]
) -> Column:
    """Shop names; each eight chain customers in a row are branches of one brand."""
    count = len(surnames)
    brand = np.where(is_chain, (np.cumsum(is_chain) - 1) // 8, np.arange(count))
    one, two, kitchen = (random.integers(0, len(part), count)[brand] for part in (_MARKS, _MARKS, _KITCHENS))
    kitchens = joined(_MARKS[one], _MARKS[two], _KITCHENS[kitchen])
    branches = joined(kitchens, "（".encode(), _some(random, _STREETS, count), "店）".encode())
    eateries = joined(surnames, "记".encode(), _some(random, _EATERIES, count))
    return np.where(is_eatery, eateries, np.where(is_chain, branches, kitchens))


def community_names(random: Generator, count: int) -> Column:
    return joined(
        _some(random, _ESTATES, count), _some(random, _ESTATE_KINDS, count), _some(random, _PHASES, count)
    )


def spell_people(random: Generator, surnames: Column, given: Column) -> Column:
    """As sources write them: in full, with a title, a blank in between, or a wide blank behind."""
    titles = texts("先生", "女士", "老师", "阿姨")
    spelling = pick(random, np.array([82.0, 10, 5, 3]), len(surnames))
    title = joined(surnames, _some(random, titles, len(surnames)))
    choices = [
        joined(surnames, given),
        title,
        joined(surnames, b" ", given),
        joined(surnames, given, "\u3000".encode()),
    ]
    return np.select([spelling == number for number in range(4)], choices, b"")


def spell_businesses(random: Generator, names: Column) -> Column:
    """As sources write them: parentheses wide or narrow, now and then a blank in front."""
    narrow = np.strings.replace(np.strings.replace(names, "（".encode(), b"("), "）".encode(), b")")
    spelling = pick(random, np.array([75.0, 20, 5]), len(names))
    return np.select([spelling == 0, spelling == 1, spelling == 2], [names, narrow, joined(b" ", names)], b"")


def _some(random: Generator, words: Column, count: int) -> Column:
    return words[random.integers(0, len(words), count)]
